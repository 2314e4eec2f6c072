import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { preflightFactsSchema } from '../../lambdas/contract/node-commands.ts';
import { waitFor } from '../../local/client/wait-for.ts';
import { awkwardPassword, Hosts } from './hosts.ts';

/** What a command may leave on a host that it refuses to change: that it was there. */
const ownTraces = /\.runbook$/;

describe.sequential('refusals', () => {
  let hosts: Hosts;
  const primary = { Primary: 'alpha' };

  beforeAll(async () => {
    hosts = new Hosts({ names: ['alpha', 'beta'] });
    await hosts.succeed('alpha', 'configure-primary');
    await hosts.succeed('alpha', 'ensure-roles-and-slots', primary);
  });
  afterAll(() => hosts.remove());

  /** The error of a command that must leave its host as it is. */
  async function refusedUnchanged(...command: Parameters<Hosts['refuse']>) {
    const before = hosts.snapshot(command[0], ownTraces);
    const refusal = await hosts.refuse(...command);
    expect(hosts.snapshot(command[0], ownTraces)).toEqual(before);
    expect(refusal.remedy).not.toBe('');
    return refusal;
  }

  it('a data directory that is not empty, naming what is in it', async () => {
    mkdirSync(hosts.dataOf('beta'));
    writeFileSync(join(hosts.dataOf('beta'), 'family "photos".zip'), 'precious');
    expect(await refusedUnchanged('beta', 'take-base-backup', primary)).toMatchObject({
      error: 'DataDirectoryNotEmpty',
      message: expect.stringContaining('family "photos".zip'),
    });
    expect(await refusedUnchanged('beta', 'configure-primary')).toMatchObject({ error: 'DataDirectoryNotEmpty' });
    const facts = preflightFactsSchema.parse(await hosts.succeed('beta', 'preflight'));
    expect(facts.dataDirectory).toMatchObject({ state: 'other', sample: ['family "photos".zip'] });
    rmSync(hosts.dataOf('beta'), { recursive: true });
  });

  it('another cluster’s data directory', async () => {
    const other = new Hosts({ names: ['alpha', 'beta'] });
    try {
      await other.succeed('alpha', 'configure-primary');
      await other.succeed('alpha', 'ensure-roles-and-slots', primary);
      await other.succeed('beta', 'take-base-backup', primary);
      other.stop('alpha');
      rmSync(other.dataOf('alpha'), { recursive: true });
      await other.succeed('alpha', 'configure-primary');
      await other.succeed('alpha', 'ensure-roles-and-slots', primary);
      expect(await other.refuse('beta', 'take-base-backup', primary)).toMatchObject({
        error: 'DataDirectoryNotEmpty',
      });
    } finally {
      await other.remove();
    }
  });

  it('a replication user whom the primary does not know, in PostgreSQL’s words', async () => {
    hosts.putSecret('replication', { username: 'iiii', password: 'x' });
    expect(await refusedUnchanged('beta', 'take-base-backup', primary)).toMatchObject({
      error: 'ReplicationUserRefused',
      message: expect.stringMatching(
        /FATAL: {2}no pg_hba\.conf entry for replication connection from host "127\.0\.0\.1", user "iiii"/,
      ),
    });
    const { secret } = preflightFactsSchema.parse(await hosts.succeed('beta', 'preflight'));
    expect(secret).toMatchObject({ user: 'iiii', refusals: [expect.stringMatching(/^alpha: .*FATAL: .*"iiii"/)] });
  });

  it('a wrong password, in PostgreSQL’s words', async () => {
    hosts.putSecret('replication', { username: 'replica', password: 'wrong' });
    expect(await refusedUnchanged('beta', 'take-base-backup', primary)).toMatchObject({
      error: 'ReplicationUserRefused',
      message: expect.stringContaining('FATAL:  password authentication failed for user "replica"'),
    });
  });

  it.each(['', 'no JSON', '{"username":"replica"}', '{"username":"replica","password":"caf\u00e9"}', '["a"]'])(
    'a secret that is %j',
    async (secret) => {
      hosts.putSecret('replication', secret);
      expect(await refusedUnchanged('beta', 'take-base-backup', primary)).toMatchObject({ error: 'SecretUnreadable' });
      const facts = preflightFactsSchema.parse(await hosts.succeed('beta', 'preflight'));
      expect(facts.secret).toMatchObject({ user: null, failure: expect.stringContaining('pg-test/replication') });
    },
  );

  it('a primary that does not answer, and one that has stopped', async () => {
    hosts.putSecret('replication', { username: 'replica', password: awkwardPassword });
    hosts.stop('alpha');
    expect(await refusedUnchanged('beta', 'take-base-backup', primary)).toMatchObject({
      error: 'PrimaryUnreachable',
      message: expect.stringContaining('Connection refused'),
    });
    expect(await refusedUnchanged('alpha', 'set-synchronous-standbys', { StandbyNames: '' })).toMatchObject({
      error: 'PostgresNotAnswering',
    });
    await hosts.succeed('alpha', 'configure-primary');
  });

  it('a command that is late', async () => {
    expect(await refusedUnchanged('beta', 'take-base-backup', primary, { notAfter: 1_700_000_000 })).toMatchObject({
      error: 'CommandLate',
      message: expect.stringContaining('2023-11-14T22:13:20Z'),
    });
  });

  it('a command of an older operation', async () => {
    await hosts.refuse('beta', 'start-standby', primary, { epoch: 20 });
    expect(await refusedUnchanged('beta', 'take-base-backup', primary, { epoch: 9 })).toMatchObject({
      error: 'CommandSuperseded',
      message: expect.stringContaining('operation 20'),
    });
  });

  const now = () => Math.floor(Date.now() / 1000);
  const epochFile = () => join(hosts.memoryOf('beta'), 'epoch');

  it('a command whose operation is far ahead of the clock, and does not remember it', async () => {
    for (const epoch of [now() + 2 * 86_400, 999_999_999_999]) {
      expect(await refusedUnchanged('beta', 'take-base-backup', primary, { epoch })).toMatchObject({
        error: 'EpochImplausible',
        message: expect.stringContaining(`operation ${epoch}`),
      });
    }
    expect(readFileSync(epochFile(), 'utf8')).toBe('20\n');
  });

  it.each(['no number\n', 'a[$(touch /tmp/epoch-was-run)]\n', '9'.repeat(19), '\n', '-1\n', '0x10\n'])(
    'a memory of the newest operation that is %j',
    async (text) => {
      writeFileSync(epochFile(), text);
      expect(await refusedUnchanged('beta', 'take-base-backup', primary, { epoch: 20 })).toMatchObject({
        error: 'EpochImplausible',
        message: expect.stringContaining('holds no number of an operation'),
        remedy: expect.stringContaining(`remove ${epochFile()}`),
      });
      writeFileSync(epochFile(), '20\n');
    },
  );

  it('a memory of an operation that is far ahead of the clock', async () => {
    writeFileSync(epochFile(), `${now() + 2 * 86_400}\n`);
    expect(await refusedUnchanged('beta', 'take-base-backup', primary, { epoch: now() })).toMatchObject({
      error: 'EpochImplausible',
      remedy: expect.stringContaining(`remove ${epochFile()}`),
    });
    writeFileSync(epochFile(), '20\n');
  });

  it('to start a copy that would start as a primary', async () => {
    expect(await refusedUnchanged('beta', 'start-standby', primary, { epoch: 20 })).toMatchObject({
      error: 'WouldStartAsPrimary',
    });
    await hosts.succeed('beta', 'take-base-backup', primary, { epoch: 20 });
    rmSync(join(hosts.dataOf('beta'), 'standby.signal'));
    expect(await refusedUnchanged('beta', 'start-standby', primary, { epoch: 20 })).toMatchObject({
      error: 'WouldStartAsPrimary',
      message: expect.stringContaining('standby.signal'),
    });
    writeFileSync(join(hosts.dataOf('beta'), 'standby.signal'), '');
  });

  it('a standby where a primary is asked for, stopped and running', async () => {
    expect(await refusedUnchanged('beta', 'configure-primary', {}, { epoch: 20 })).toMatchObject({
      error: 'NotThePrimary',
    });
    await hosts.succeed('beta', 'start-standby', primary, { epoch: 20 });
    const names = { StandbyNames: '' };
    expect(await hosts.refuse('beta', 'configure-primary', {}, { epoch: 20 })).toMatchObject({
      error: 'NotThePrimary',
    });
    expect(await hosts.refuse('beta', 'set-synchronous-standbys', names, { epoch: 20 })).toMatchObject({
      error: 'NotThePrimary',
    });
    expect(await hosts.refuse('beta', 'ensure-roles-and-slots', { Primary: 'beta' }, { epoch: 20 })).toMatchObject({
      error: 'NotThePrimary',
    });
  });

  it('pg_hba.conf that PostgreSQL would not load: the former file stays', async () => {
    const file = join(hosts.dataOf('alpha'), 'pg_hba.conf');
    const broken = `host all all 10.0.0.0/8 sesame\n${hosts.snapshot('alpha')[file]?.replace('127.0.0.0/8', '127.0.0.0/9')}`;
    writeFileSync(file, broken);
    expect(await hosts.refuse('alpha', 'configure-primary')).toMatchObject({
      error: 'ConfigurationRefused',
      message: expect.stringContaining('sesame'),
    });
    expect(hosts.snapshot('alpha')[file]).toBe(broken);
    writeFileSync(file, broken.replace(/^host all all .*\n/, ''));
    expect(await hosts.succeed('alpha', 'configure-primary')).toMatchObject({ changed: true });
  });

  it('a server that does not start, with the end of its log', async () => {
    hosts.stop('beta');
    writeFileSync(join(hosts.dataOf('beta'), 'postgresql.conf'), "no_such_setting = 'x'\n", { flag: 'a' });
    expect(await hosts.refuse('beta', 'start-standby', primary, { epoch: 20 })).toMatchObject({
      error: 'StartFailed',
      message: expect.stringContaining('unrecognized configuration parameter "no_such_setting"'),
    });
  });

  it('preflight: programs that are missing, and a port that something else listens on', async () => {
    const bare = new Hosts({ names: ['alpha', 'beta'], binDirectory: '/usr/lib/postgresql/99/bin' });
    const [node] = bare.cluster.nodes;
    const squatter = createServer().listen(node?.port, node?.address);
    try {
      await waitFor('the squatter listens', 20, () => squatter.listening);
      const facts = preflightFactsSchema.parse(await bare.succeed('alpha', 'preflight'));
      expect(facts.postgresVersion).toBeNull();
      expect(facts.missingPrograms).toContain('/usr/lib/postgresql/99/bin/pg_basebackup');
      expect(facts.portTakenBy).toContain(`(process ${process.pid})`);
    } finally {
      squatter.close();
      await bare.remove();
    }
  });

  it('another program’s failure as one line, whatever is in its words', async () => {
    const restore = hosts.replaceProgram('aws', [
      `printf 'quotes " \\\\ and \\t\\001\\033[1m control characters, \\303\\251t\\303\\251\\n%.0s' {1..400} >&2`,
      'exit 255',
    ]);
    try {
      const run = await hosts.run('beta', 'take-base-backup', primary, { epoch: 20 });
      expect(run.answer).toMatchObject({ ok: false, error: 'SecretUnreadable' });
      expect(run.stdout.trimEnd()).not.toContain('\n');
      expect(Buffer.byteLength(run.stdout)).toBeLessThan(6000);
      expect(!run.answer.ok && run.answer.message).toContain(
        'quotes " \\ and \t\u0001\u001b[1m control characters, été\n',
      );
    } finally {
      restore();
    }
  });

  it('an unexpected failure as CommandFailed, with what failed', async () => {
    rmSync(`${hosts.dataOf('beta')}.runbook/pgpass`);
    const restore = hosts.replaceProgram('dd', ['echo "dd: no space left" >&2', 'exit 1']);
    try {
      expect(await hosts.refuse('beta', 'take-base-backup', primary, { epoch: 20 })).toMatchObject({
        error: 'CommandFailed',
        message: expect.stringMatching(
          /take-base-backup failed unexpectedly: .*exit status 1\n[\s\S]*dd: no space left/,
        ),
      });
    } finally {
      restore();
    }
  });

  it('initialization that is killed leaves nothing in the way of the next', async () => {
    const killed = new Hosts({ names: ['alpha', 'beta'] });
    try {
      const begun = () => existsSync(join(`${killed.dataOf('alpha')}.runbook`, 'incoming/data/base'));
      await killed.run(
        'alpha',
        'configure-primary',
        {},
        {
          onStart: (child) =>
            void waitFor('initdb works', 20, begun, 20).then(() => process.kill(-(child.pid ?? 0), 'SIGKILL')),
        },
      );
      expect(existsSync(killed.dataOf('alpha'))).toBe(false);
      expect(await killed.succeed('alpha', 'configure-primary')).toMatchObject({ initialized: true });
    } finally {
      await killed.remove();
    }
  });
});
