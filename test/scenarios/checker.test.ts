/**
 * What the checker says of an incident: the expected alerts in their order, one recovery notice, and nothing else.
 * Four clusters have their incidents at the same time, each one after the other.
 */
import { afterAll, beforeAll, describe } from 'vitest';
import { nodesNamed, notesCluster } from '../support/clusters.ts';
import { LocalRuntime } from '../support/local-runtime.ts';
import { alertsTo, WatchedCluster } from '../support/watched-cluster.ts';
import { fallingBehind } from './incidents/falling-behind.ts';
import { neverSetUp } from './incidents/never-set-up.ts';
import { stops } from './incidents/stops.ts';
import { whatPeopleDo } from './incidents/what-people-do.ts';

const intervalSeconds = 5;
const started = performance.now();

describe('an incident is told', () => {
  let runtime: LocalRuntime;
  const watched = new Map<string, WatchedCluster>();

  /** A cluster that the runtime runs; to be asked for once it does. */
  function clusterOf(name: string): WatchedCluster {
    const found = watched.get(name);
    if (found === undefined) throw new Error(`there is no ${name}`);
    return found;
  }

  beforeAll(async () => {
    const nodes = nodesNamed(
      ...['pg_sync_master', 'pg_sync_slave01', 'pg_sync_slave02'],
      ...['night_primary', 'night_first', 'night_second'],
      ...['slow_primary', 'slow_first', 'slow_second'],
      ...['fresh_primary', 'fresh_standby'],
    );
    const monitoring = { checkIntervalSeconds: intervalSeconds };
    const clusters = [
      { ...notesCluster({ name: 'pg-sync', nodes: nodes.slice(0, 3) }), monitoring },
      { ...notesCluster({ name: 'night', nodes: nodes.slice(3, 6) }), monitoring },
      {
        // As little as may be configured: 256 MB of WAL for a slot, half of that is worth a warning.
        ...notesCluster({
          name: 'slow',
          postgres: { walKeepSegments: 16, slotKeepSegments: 16 },
          nodes: nodes.slice(6, 9),
        }),
        monitoring: { ...monitoring, lagWarningBytes: 1000, lagWarningSeconds: 2 },
      },
      { ...notesCluster({ name: 'fresh', nodes: nodes.slice(9) }), monitoring },
    ];
    const subscribers = await Promise.all(['pg-sync', 'night', 'slow', 'fresh'].map(alertsTo));
    runtime = await LocalRuntime.start({
      clusters: clusters.map((cluster, index) => ({ ...cluster, alerts: subscribers[index]?.alerts })),
    });
    for (const { name, subscriber } of subscribers) watched.set(name, new WatchedCluster(runtime, name, subscriber));
    await Promise.all(['pg-sync', 'night', 'slow'].map((name) => clusterOf(name).setUp()));
  });

  afterAll(async () => {
    await runtime?.[Symbol.asyncDispose]();
    for (const { subscriber } of watched.values()) await subscriber[Symbol.asyncDispose]();
  });

  describe.concurrent('of people', () => whatPeopleDo(() => clusterOf('pg-sync')));
  describe.concurrent('of servers that stop', () => stops(() => clusterOf('night')));
  describe.concurrent('of a standby that falls behind', () => fallingBehind(() => clusterOf('slow')));
  describe.concurrent('of a cluster that was never set up', () => neverSetUp(() => clusterOf('fresh'), started));
});
