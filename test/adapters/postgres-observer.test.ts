/** The observer against real PostgreSQL, and against servers that behave badly. */
import { rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { observeNode } from '../../lambdas/adapters/postgres-observer.ts';
import type { Cluster, ClusterNode } from '../../lambdas/contract/cluster-config.ts';
import type { CheckerMemory } from '../../lambdas/contract/health.ts';
import { type NodeFacts, type Observation, observationSchema } from '../../lambdas/contract/observation.ts';
import { emptyMemory } from '../../lambdas/domain/checker-memory.ts';
import { assess } from '../../lambdas/domain/health.ts';
import { waitFor } from '../../local/client/wait-for.ts';
import { Hosts } from '../documents/hosts.ts';
import { exampleCluster } from '../support/example-cluster.ts';
import { installedPostgres, noPostgres } from '../support/installed-postgres.ts';
import { binDirectory, whyNoServer } from '../support/postgres-versions.ts';

const credentials = { user: 'replication_monitor', password: 'watch-only' };

/** What a busy machine may add to a time limit, in milliseconds; without one TCP would wait for minutes. */
const longestDelay = 10_000;

/** How long a node may take to answer where that is not the point, in milliseconds: a busy machine's takes its time. */
const patience = 60_000;

async function observe(cluster: Cluster, as = credentials): Promise<Observation> {
  return observationSchema.parse({
    nodes: await Promise.all(cluster.nodes.map((node) => observeNode(cluster, node, as, patience))),
  });
}

function nodeNamed(cluster: Cluster, name: string): ClusterNode {
  const node = cluster.nodes.find((candidate) => candidate.name === name);
  if (node === undefined) throw new RangeError(`there is no ${name}`);
  return node;
}

async function factsOf(cluster: Cluster, name: string): Promise<NodeFacts> {
  const seen = await observeNode(cluster, nodeNamed(cluster, name), credentials, patience);
  if (!seen.answered) throw new Error(JSON.stringify(seen));
  return seen.facts;
}

/** Titles of what is found now. */
async function findings(cluster: Cluster, memory: CheckerMemory = emptyMemory): Promise<string[]> {
  return assess(cluster, await observe(cluster), memory, new Date()).findings.map(({ title }) => title);
}

/** A login that may write: the tests' own role, over TCP as applications come. */
function writerLogin(hosts: Hosts, name: string): pg.ClientConfig {
  const { address, port } = nodeNamed(hosts.cluster, name);
  hosts.sql(name, "set synchronous_commit = local; create role writer superuser login password 'writes'");
  return { host: address, port: port ?? 5432, user: 'writer', password: 'writes', database: 'postgres' };
}

describe.skipIf(noPostgres)('the PostgreSQL of this machine (skipped where there is none)', () => {
  let hosts: Hosts;
  let cluster: Cluster;
  beforeAll(async () => {
    hosts = new Hosts();
    cluster = hosts.cluster;
    await hosts.setUp();
  });
  afterAll(() => hosts?.remove());

  it('finds a cluster healthy that setup has just built', async () => {
    expect(assess(cluster, await observe(cluster), emptyMemory, new Date())).toMatchObject({
      status: 'healthy',
      findings: [],
      evidence: {
        primary: 'alpha',
        synchronous: { required: 1, standbys: ['beta'], candidates: expect.arrayContaining(['beta', 'gamma']) },
      },
    });
  });

  it('reports the facts of a primary', async () => {
    expect(await factsOf(cluster, 'alpha')).toMatchObject({
      versionNumber: expect.toSatisfy(
        (version: number) => Math.floor(version / 10_000) === installedPostgres().majorVersion,
      ),
      inRecovery: false,
      timeline: 1,
      lsn: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/),
      oldestWalLsn: hosts.sql(
        'alpha',
        "select pg_lsn('0/0') + min(('x' || substr(name, 9, 8) || substr(name, 23))::bit(40)::bigint) * 16777216 from pg_ls_waldir() where length(name) = 24",
      ),
      replayedLsn: null,
      replayPaused: false,
      // The server's, whatever the observer's own session needs.
      synchronousCommit: 'on',
      synchronousStandbyNames: 'FIRST 1 ("beta","gamma")',
      walReceiver: null,
      slots: [
        { name: 'beta', active: true, walStatus: 'reserved', retainedBytes: expect.any(Number) },
        { name: 'gamma', active: true, walStatus: 'reserved', retainedBytes: expect.any(Number) },
      ],
      blockedSessions: { count: 0, oldestSeconds: 0, transactions: [] },
    });
  });

  it('reports the facts of a standby', async () => {
    const alpha = nodeNamed(cluster, 'alpha');
    expect(await factsOf(cluster, 'beta')).toMatchObject({
      inRecovery: true,
      timeline: 1,
      oldestWalLsn: null,
      replayedLsn: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/),
      replication: [],
      walReceiver: { status: 'streaming', senderHost: alpha.address, senderPort: alpha.port },
    });
  });

  it('reports settings with their units, and where they come from', async () => {
    const { settings } = await factsOf(cluster, 'alpha');
    expect(settings.find(({ name }) => name === 'wal_sender_timeout')).toEqual({
      name: 'wal_sender_timeout',
      setting: '8000',
      unit: 'ms',
      sourceFile: expect.stringMatching(/postgresql\.auto\.conf$/),
      sourceLine: expect.any(Number),
      pendingRestart: false,
    });
    expect(settings.find(({ name }) => name === 'synchronous_commit')).toMatchObject({
      setting: 'on',
      sourceFile: expect.stringMatching(/postgresql\.auto\.conf$/),
    });
    expect(settings.map(({ name }) => name)).toContain('synchronous_standby_names');
  });

  it('finds drift, with file and line, and a change that waits for a restart', async () => {
    hosts.sql('alpha', "alter system set wal_sender_timeout = '1min'");
    hosts.sql('beta', 'alter system set wal_log_hints = off');
    for (const node of ['alpha', 'beta']) hosts.sql(node, 'select pg_reload_conf()');
    await waitFor('the settings are reloaded', 20, () => hosts.sql('alpha', 'show wal_sender_timeout') === '1min');
    await pause(200);
    const found = assess(cluster, await observe(cluster), emptyMemory, new Date()).findings;
    expect(found.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^wal_sender_timeout on alpha is 60000ms \(\S+postgresql\.auto\.conf, line \d+\); expected is 8s\.$/,
      ),
      expect.stringMatching(/^wal_log_hints on beta is on as expected, but .* next restart/),
    ]);
    hosts.sql('alpha', "alter system set wal_sender_timeout = '8s'");
    hosts.sql('beta', 'alter system set wal_log_hints = on');
    for (const node of ['alpha', 'beta']) hosts.sql(node, 'select pg_reload_conf()');
    await waitFor('the settings are reloaded', 20, () => hosts.sql('alpha', 'show wal_sender_timeout') === '8s');
    await pause(200);
    expect(await findings(cluster)).toEqual([]);
  });

  it('finds paused replay, and what it holds up', async () => {
    hosts.sql('gamma', 'select pg_wal_replay_pause()');
    hosts.sql('alpha', 'create table written as select generate_series(1, 1000) as id');
    expect(await findings(cluster)).toEqual(['replay is paused on gamma']);
    const gamma = (await factsOf(cluster, 'alpha')).replication.find((row) => row.applicationName === 'gamma');
    expect(gamma?.replayLagBytes).toBeGreaterThan(0);
    hosts.sql('gamma', 'select pg_wal_replay_resume()');
    await waitFor(
      'replay',
      20,
      () => hosts.sql('gamma', "select count(*) from pg_class where relname = 'written'") === '1',
    );
  });

  it('reports a wrong password as such, from every node', async () => {
    const { nodes } = await observe(cluster, { ...credentials, password: 'wrong' });
    for (const seen of nodes) {
      expect(seen).toMatchObject({ answered: false, failure: { kind: 'authentication', message: /password/ } });
    }
  });

  it('notices that PostgreSQL recovered from the crash of a process', async () => {
    const before = await factsOf(cluster, 'alpha');
    expect((await factsOf(cluster, 'alpha')).startedAt).toBe(before.startedAt);
    const started = hosts.sql('alpha', 'select pg_postmaster_start_time()');
    const walWriter = Number(hosts.sql('alpha', "select pid from pg_stat_activity where backend_type = 'walwriter'"));
    process.kill(walWriter, 'SIGKILL');
    const startedAt = async () => {
      const seen = await observeNode(cluster, nodeNamed(cluster, 'alpha'), credentials, patience);
      return seen.answered ? seen.facts.startedAt : before.startedAt;
    };
    await expect.poll(startedAt, { timeout: 10_000 }).not.toBe(before.startedAt);
    expect(hosts.sql('alpha', 'select pg_postmaster_start_time()')).toBe(started);
    await waitFor('both stream', 20, () => hosts.sql('alpha', 'select count(*) from pg_stat_replication') === '2');
  });

  it('sees commits wait without standbys, recognises them, and flags the risk after a restart', async () => {
    for (const standby of ['beta', 'gamma']) hosts.stop(standby);
    await waitFor('both are gone', 20, () => hosts.sql('alpha', 'select count(*) from pg_stat_replication') === '0');
    const writer = new pg.Client({ ...writerLogin(hosts, 'alpha'), options: '-c synchronous_commit=on' });
    writer.on('error', () => undefined);
    await writer.connect();
    const written = writer.query('create table waits ()').catch(() => undefined);
    await waitFor(
      'it waits',
      20,
      () => hosts.sql('alpha', "select count(*) from pg_stat_activity where wait_event = 'SyncRep'") === '1',
    );
    const first = await factsOf(cluster, 'alpha');
    expect(first.blockedSessions).toEqual({
      count: 1,
      oldestSeconds: expect.any(Number),
      transactions: [expect.stringMatching(/^\d+\/\d+\/[\d.]+$/)],
    });
    await pause(300);
    const second = await factsOf(cluster, 'alpha');
    expect(second.blockedSessions.transactions).toEqual(first.blockedSessions.transactions);
    expect(second.blockedSessions.oldestSeconds).toBeGreaterThan(first.blockedSessions.oldestSeconds + 0.2);

    const blocked = assess(cluster, await observe(cluster), emptyMemory, new Date());
    expect(blocked).toMatchObject({ status: 'writes-blocked', findings: { length: 3 } });
    hosts.stop('alpha', 'immediate');
    await written;
    const stopped = assess(cluster, await observe(cluster), blocked.memory, new Date());
    expect(stopped.findings.map(({ title }) => title)).toEqual([
      'primary alpha is down',
      'beta is down',
      'gamma is down',
    ]);
    await hosts.succeed('alpha', 'configure-primary');
    const restarted = assess(cluster, await observe(cluster), stopped.memory, new Date());
    expect(restarted.findings.map(({ kind }) => kind)).toContain('DurabilityRisk');
    await hosts.succeed('beta', 'start-standby', { Primary: 'alpha' });
    await hosts.succeed('gamma', 'start-standby', { Primary: 'alpha' });
    expect(await findings(cluster, restarted.memory)).toEqual([]);
  });

  it('notices a promotion: another timeline, and two primaries', async () => {
    hosts.sql('gamma', 'select pg_promote()');
    expect((await factsOf(cluster, 'gamma')).timeline).toBe(2);
    expect(await findings(cluster)).toEqual(['2 nodes accept writes: alpha and gamma']);
  });
});

describe.each([12, 13, 14])('PostgreSQL %i', (majorVersion) => {
  const why = whyNoServer(majorVersion);

  it.skipIf(why !== undefined)(
    `is observed like any other${why === undefined ? '' : ` (skipped: ${why})`}`,
    async () => {
      const programs = binDirectory(majorVersion);
      const hosts = new Hosts({
        names: ['alpha', 'beta'],
        majorVersion,
        binDirectory: programs,
        replication: { tls: false },
      });
      try {
        await hosts.setUp();
        const seen = assess(hosts.cluster, await observe(hosts.cluster), emptyMemory, new Date());
        expect(seen).toMatchObject({ status: 'healthy', findings: [], evidence: { primary: 'alpha' } });
      } finally {
        await hosts.remove();
        rmSync(programs, { recursive: true });
      }
    },
  );
});

describe('a node that behaves badly', () => {
  const servers: (() => void)[] = [];
  afterEach(() => {
    for (const close of servers.splice(0)) close();
  });

  /** A node of the example cluster whose PostgreSQL is `serve`. */
  async function nodeServedBy(serve: (socket: Socket) => void): Promise<ClusterNode> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      serve(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    return nodeAt('127.0.0.1', port);
  }

  function nodeAt(address: string, port: number): ClusterNode {
    return { name: 'pg_sync_slave01', instanceId: 'i-0a1b2c3d4e5f60134', address, port };
  }

  const cluster = exampleCluster();
  const ask = async (node: ClusterNode, milliseconds = 400) => {
    const started = performance.now();
    const seen = await observeNode(cluster, node, credentials, milliseconds);
    // It gives up in its time, and not when TCP does.
    expect(performance.now() - started).toBeLessThan(milliseconds + longestDelay);
    return seen;
  };
  const failed = (kind: string, message: RegExp) => ({
    answered: false,
    failure: { kind, message: expect.stringMatching(message) },
  });

  it('accepts the connection and never answers', async () => {
    const node = await nodeServedBy(() => undefined);
    expect(await ask(node)).toMatchObject(failed('timeout', /accepted, and PostgreSQL did not answer within 400 ms/));
  });

  it('resets the connection', async () => {
    const node = await nodeServedBy((socket) => socket.once('data', () => socket.resetAndDestroy()));
    expect(await ask(node)).toMatchObject(failed('reset', /ECONNRESET/));
  });

  it('closes the connection', async () => {
    const node = await nodeServedBy((socket) => socket.once('data', () => socket.end()));
    expect(await ask(node)).toMatchObject({ answered: false, failure: { kind: 'reset' } });
  });

  it('answers so slowly that its time is over', async () => {
    // To the request for TLS: "no", one byte, after the other one's patience.
    const node = await nodeServedBy((socket) => socket.once('data', () => setTimeout(() => socket.write('N'), 1000)));
    expect(await ask(node)).toMatchObject({ answered: false, failure: { kind: 'timeout' } });
  });

  it('drips answers without end', async () => {
    const node = await nodeServedBy((socket) => {
      // Notices, one each 50 ms: a server that always has something to say.
      const notice = Buffer.from([0x4e, 0, 0, 0, 5, 0]);
      socket.once('data', () => {
        const timer = setInterval(() => socket.write(notice), 50);
        socket.once('close', () => clearInterval(timer));
      });
    });
    const plainCluster = { ...cluster, replication: { ...cluster.replication, tls: false } };
    const started = performance.now();
    expect(await observeNode(plainCluster, node, credentials, 400)).toMatchObject({
      answered: false,
      failure: { kind: 'timeout' },
    });
    expect(performance.now() - started).toBeLessThan(400 + longestDelay);
  });

  it('speaks another protocol', async () => {
    const node = await nodeServedBy((socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    );
    expect(await ask(node)).toMatchObject({ answered: false });
  });

  it.each([
    ['the database system is starting up', 'starting-up'],
    ['the database system is shutting down', 'shutting-down'],
    ['the database system is in recovery mode', 'starting-up'],
  ])('says that %s', async (words, kind) => {
    const fields = `SFATAL\0VFATAL\0C57P03\0M${words}\0\0`;
    const message = Buffer.alloc(5 + fields.length);
    message.write('E');
    message.writeInt32BE(4 + fields.length, 1);
    message.write(fields, 5);
    const node = await nodeServedBy((socket) => socket.once('data', () => socket.end(message)));
    const plainCluster = { ...cluster, replication: { ...cluster.replication, tls: false } };
    expect(await observeNode(plainCluster, node, credentials, 400)).toMatchObject(failed(kind, new RegExp(words)));
  });

  it('does not listen', async () => {
    expect(await ask(nodeAt('127.0.0.1', 1))).toMatchObject(failed('refused', /ECONNREFUSED/));
  });

  it('has a name that does not resolve', async () => {
    const seen = await observeNode(cluster, nodeAt('no-such-host.invalid', 5432), credentials, patience);
    expect(seen).toMatchObject({ answered: false, failure: { kind: expect.stringMatching(/unresolved|timeout/) } });
  });

  it('does not keep the others waiting', async () => {
    const silent = await nodeServedBy(() => undefined);
    const [slow, fast] = await Promise.all([
      ask(silent, 8000),
      (async () => {
        const started = performance.now();
        const seen = await observeNode(cluster, nodeAt('127.0.0.1', 1), credentials, 8000);
        return { seen, milliseconds: performance.now() - started };
      })(),
    ]);
    expect(slow).toMatchObject({ answered: false, failure: { kind: 'timeout' } });
    expect(fast.seen).toMatchObject({ answered: false, failure: { kind: 'refused' } });
    expect(fast.milliseconds).toBeLessThan(6000);
  });
});
