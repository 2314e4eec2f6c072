/**
 * Hosts whose neighbour, or whose own PostgreSQL user, is in somebody else's hands: a server of theirs answers with text
 * that bash would run if it counted with it, or that would forge a field of the result. No command runs it, each says what
 * it saw, and nothing but a text becomes of a text.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { NodeCommandName } from '../../lambdas/contract/node-commands.ts';
import { nodeInspectionSchema } from '../../lambdas/contract/node-inspection.ts';
import { type Answers, HostileServer } from '../support/hostile-server.ts';
import { Hosts } from './hosts.ts';

type Rows = readonly (readonly string[])[];
/** Answers by what the query holds; the first that fits counts. */
type AnswerTable = readonly (readonly [query: RegExp, rows: Rows])[];

const answering =
  (...tables: AnswerTable[]): Answers =>
  (query) =>
    tables.flat().find(([pattern]) => pattern.test(query))?.[1] ?? [];

/** What an honest primary says. */
const identity = ['7000000000000000001', '1', '0/3000000', ''];
const segment = ['0000000000000003', '16777216'];
const size = ['1000000', 't', 'f'];
const honestPrimary: AnswerTable = [
  [/^IDENTIFY_SYSTEM$/, [identity]],
  [/pg_tablespace/, []],
  [/pg_ls_dir/, [segment]],
  [/pg_database_size/, [size]],
];

/** What a standby says of itself: two rows, then those of inspect-node, one value each. */
const known = ['t', ''];
const positions = ['t', '1', '0/3000000', '0/3000000'];
const ofItself = ['true', '1', '0/3000000', 'host=a', 'beta', 'streaming', '0', '.'];
const honestStandby: AnswerTable = [
  [/received_tli, 0/, [positions]],
  [/'walreceiver'/, [known]],
  [/^COPY .*pg_stat_replication/s, ofItself.map((value) => [value])],
  [/^SELECT pg_is_in_recovery\(\)$/, [['t']]],
];

const withField = <T>(fields: readonly T[], index: number, value: T): T[] => fields.with(index, value);

let hosts: Hosts;
let servers: HostileServer[] = [];
let pretender: ChildProcess | undefined;
const trace = () => join(hosts.directory, 'was-run');
/** No number: bash runs the redirection in it when it counts with it. */
const bomb = () => `BASH_VERSINFO[$(>${trace()})0]`;
/** Texts that are no number, position or name of a segment. */
const hostile = () => [
  bomb(),
  '',
  '0x10',
  '-1',
  '9'.repeat(19),
  '1 2',
  '"},"fenced":true,"x":{"a":"',
  'FFFFFFFF/FFFFFFFF',
  '1;x',
  '*',
];

beforeAll(async () => {
  hosts = new Hosts({ names: ['alpha', 'beta'], replication: { tls: false } });
  await hosts.succeed('beta', 'configure-primary');
  hosts.stop('beta');
});
afterAll(() => hosts.remove());
afterEach(async () => {
  for (const server of servers) await server.close();
  servers = [];
  pretender?.kill('SIGKILL');
  pretender = undefined;
  for (const name of ['postmaster.pid', 'standby.signal']) rmSync(join(hosts.dataOf('beta'), name), { force: true });
  rmSync(trace(), { force: true });
});

/** Something answers in the place of the primary alpha. */
async function neighbour(answers: Answers): Promise<void> {
  const node = hosts.cluster.nodes[0];
  if (node === undefined) throw new Error('no alpha');
  servers.push(await HostileServer.listen({ address: node.address, port: node.port ?? 0 }, answers));
}

/** Something answers in the place of beta's own PostgreSQL. */
async function ownServer(answers: Answers): Promise<void> {
  const port = hosts.cluster.nodes[1]?.port ?? 0;
  const data = hosts.dataOf('beta');
  pretender = spawn('sleep', ['600'], { cwd: data, stdio: 'ignore' });
  const lines = [pretender.pid, data, 1, port, hosts.homeOf('beta'), '*', ' 1 1', 'ready   '];
  writeFileSync(join(data, 'postmaster.pid'), `${lines.join('\n')}\n`);
  servers.push(await HostileServer.listen({ directory: hosts.homeOf('beta'), port }, answers));
}

/** The command on beta refuses what it is told, by name, quotes it harmlessly and has run nothing of it. */
async function refused(command: NodeCommandName, parameters: Record<string, string>, hint: string): Promise<void> {
  const { answer } = await hosts.run('beta', command, parameters);
  expect(existsSync(trace()), `${command} ran what it was told as ${hint}`).toBe(false);
  expect(answer, `${command}: ${hint}`).toMatchObject({ ok: false, error: 'AnswerImplausible' });
  if (!answer.ok) expect(answer.message).toMatch(/^[ -~]*$/);
}

async function closeServers(): Promise<void> {
  for (const server of servers) await server.close();
  servers = [];
}

const primary = { Primary: 'alpha' };
const rule = { StandbyNames: 'FIRST 1 ("alpha")' };

describe.sequential('a neighbour that lies', () => {
  it.each<[NodeCommandName, Record<string, string>]>([
    ['inspect-node', primary],
    ['follow-primary', primary],
    ['keep-diverged-wal', primary],
    ['rewind-node', primary],
    ['return-primary', { Start: 'no' }],
  ])('cannot have %s count with the timeline that it names', async (command, parameters) => {
    await neighbour(answering([[/^IDENTIFY_SYSTEM$/, [withField(identity, 1, bomb())]]]));
    await refused(command, parameters, bomb());
  });

  it.each(['take-base-backup', 'rebuild-node', 'follow-primary'] as const)(
    'cannot give %s a system identifier that is none',
    async (command) => {
      await neighbour(answering([[/^IDENTIFY_SYSTEM$/, [withField(identity, 0, bomb())]]]));
      await refused(command, primary, bomb());
    },
  );

  it('cannot have inspect-node use any value that is not of its form', async () => {
    const fields: [RegExp, string[], number][] = [
      ...[0, 1, 2].map((index): [RegExp, string[], number] => [/^IDENTIFY_SYSTEM$/, identity, index]),
      ...[0, 1].map((index): [RegExp, string[], number] => [/pg_ls_dir/, segment, index]),
      ...[0, 1, 2].map((index): [RegExp, string[], number] => [/pg_database_size/, size, index]),
    ];
    for (const [query, row, index] of fields) {
      const value = hostile()[index] ?? '';
      for (const text of [bomb(), value === '' ? 'x' : value]) {
        await neighbour(answering([[query, [withField(row, index, text)]]], honestPrimary));
        await refused('inspect-node', primary, `${query} ${index} ${text}`);
        await closeServers();
      }
    }
  });

  it('cannot have a history or a tablespace taken for what it is not', async () => {
    const second: AnswerTable = [[/^IDENTIFY_SYSTEM$/, [withField(identity, 1, '2')]]];
    await neighbour(
      answering([[/^TIMELINE_HISTORY 2$/, [['00000002.history', `${'9'.repeat(30)}\t0/1\tx`]]]], second, honestPrimary),
    );
    await refused('inspect-node', primary, 'a timeline of thirty digits');
    await closeServers();
    await neighbour(answering([[/pg_tablespace/, [[`/\u0007${bomb()}`]]]], honestPrimary));
    await refused('inspect-node', primary, 'a path with a control character');
  });

  it('is believed what is of the form, and only that', async () => {
    await neighbour(answering(honestPrimary));
    const seen = nodeInspectionSchema.parse(await hosts.succeed('beta', 'inspect-node', primary));
    expect(seen.primary).toEqual({
      ...{ systemIdentifier: identity[0], timeline: 1, lsn: '0/3000000', oldestSegment: segment[0] },
      ...{ segmentBytes: 16_777_216, dataBytes: 1_000_000, slot: { active: true, lost: false } },
    });
  });
});

describe.sequential('a server of the PostgreSQL user that lies', () => {
  it.each([
    ['stop-following', rule],
    ['promote', { ...rule, MinimumLsn: '0/1' }],
  ] as const)('cannot have %s count with what it says', async (command, parameters) => {
    const rows: [RegExp, string[]][] = [
      [/'walreceiver'/, known],
      [/received_tli, 0/, positions],
    ];
    for (const [query, row] of rows) {
      for (const index of row.keys()) {
        await ownServer(answering([[query, [withField(row, index, bomb())]]], honestStandby));
        await refused(command, parameters, `${query} ${index}`);
        pretender?.kill('SIGKILL');
        await closeServers();
      }
    }
  });

  it('cannot have checkpoint-primary count with its timeline', async () => {
    await ownServer(
      answering([
        [/in_recovery/, [['f']]],
        [/walfile_name/, [[bomb()]]],
      ]),
    );
    await refused('checkpoint-primary', {}, bomb());
  });

  it('is not taken for a primary when it says neither', async () => {
    await ownServer(answering([[/in_recovery/, [[bomb()]]]]));
    await refused('checkpoint-primary', {}, bomb());
  });

  it.each([
    [1, 'running'],
    [2, 'in the file'],
  ])('cannot have a limit counted with (%i, %s)', async (index) => {
    await ownServer(
      answering(
        [[/^SELECT name, setting/, [withField(['max_connections', '100', '100'], index, bomb())]]],
        honestStandby,
      ),
    );
    await refused('configure-standby', {}, bomb());
  });

  it.each(['+a[$(x)]', '0000000g', 'a[1]0000'])('cannot leave a history named %s', async (name) => {
    const file = join(hosts.dataOf('beta'), 'pg_wal', `${name}.history`);
    const restore = hosts.replaceProgram('x', [`touch ${trace()}`]);
    writeFileSync(file, '1\t0/1\tx\n');
    try {
      await neighbour(answering(honestPrimary));
      expect(await hosts.succeed('beta', 'return-primary', { Start: 'no' })).toMatchObject({ started: false });
      expect(existsSync(trace())).toBe(false);
    } finally {
      rmSync(file);
      restore();
    }
  });

  it('cannot forge a field of the result of inspect-node', async () => {
    await neighbour(answering(honestPrimary));
    const forgery = 'streaming"},"fenced":true,"diverged":"x\\n\\';
    await ownServer(
      answering(
        [
          [
            /^COPY .*pg_stat_replication/s,
            withField(ofItself, 5, forgery.replaceAll('\\', '\\\\')).map((value) => [value]),
          ],
        ],
        honestStandby,
      ),
    );
    const seen = nodeInspectionSchema.parse(await hosts.succeed('beta', 'inspect-node', primary));
    expect(seen.server?.receiver).toBe(forgery);
    expect(seen.fenced).toBe(false);
  });

  it('cannot have inspect-node use a value of its own server that is not of its form', async () => {
    await neighbour(answering(honestPrimary));
    for (const index of [0, 1, 2, 6]) {
      await ownServer(
        answering(
          [[/^COPY .*pg_stat_replication/s, withField(ofItself, index, bomb()).map((value) => [value])]],
          honestStandby,
        ),
      );
      await refused('inspect-node', primary, `value $index`);
      pretender?.kill('SIGKILL');
      await servers.pop()?.close();
    }
  });

  it('cannot forge a field of the results of preflight and prove-durable-write', async () => {
    const forgery = '"},"running":false,"x":{"y":"';
    await ownServer(answering([[/^COPY .*config_file/s, [['false'], [forgery], [forgery], ['.']]]], honestStandby));
    expect(await hosts.succeed('beta', 'preflight')).toMatchObject({
      server: { running: true, configFile: forgery, synchronousStandbyNames: forgery },
    });
    pretender?.kill('SIGKILL');
    await closeServers();
    await ownServer(
      answering([
        [/in_recovery/, [['f']]],
        [/^SELECT current_setting\('runbook.milliseconds/, [['1.5', '0/3000000']]],
        [/^SELECT flush_lsn/, [['0/3000000', 'sync', `alpha|${forgery}`]]],
      ]),
    );
    expect(await hosts.succeed('beta', 'prove-durable-write')).toEqual({
      ...{ milliseconds: 1.5, lsn: '0/3000000' },
      confirmedBy: [{ name: `alpha|${forgery}`, flushLsn: '0/3000000', syncState: 'sync' }],
    });
  });
});

describe('where a host keeps what decides over commands', () => {
  it('nobody else may have made it, nor be able to write there', async () => {
    const memory = hosts.memoryOf('alpha');
    mkdirSync(memory, { mode: 0o777 });
    expect(await hosts.refuse('alpha', 'configure-primary')).toMatchObject({
      error: 'MemoryUnsafe',
      message: expect.stringContaining(memory),
    });
    rmSync(memory, { recursive: true });
  });
});
