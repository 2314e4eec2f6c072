/** What a check costs: time and memory of its two functions, and of one process that looks at 200 clusters at once. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { GetFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { observeNodes } from '../lambdas/adapters/postgres-observer.ts';
import type { Cluster } from '../lambdas/contract/cluster-config.ts';
import { resourceNames } from '../lambdas/contract/names.ts';
import { median, percentile, timed } from './measure.ts';
import type { ObserveManyFigures, ObserveManyInput } from './observe-many.ts';
import type { RunHandlerFigures, RunHandlerInput } from './run-handler.ts';
import { type RunningCluster, withRunningCluster } from './running-cluster.ts';
import type { SimulationCounts, SimulationInput } from './simulated-nodes.ts';
import { printTable } from './table.ts';

const calls = 201;
const clusterCount = 200;
/** Every tenth cluster has a standby whose host accepts connections and says nothing. */
const badEvery = 10;

interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** Runs one of the programs of this directory; the last line that it prints is its figures. */
async function program<I, O>(directory: string, name: string, input: I, env: NodeJS.ProcessEnv = {}): Promise<O> {
  const file = join(directory, `${name}.json`);
  writeFileSync(file, JSON.stringify(input));
  const { output } = await timed(process.execPath, [join(import.meta.dirname, `${name}.ts`), file], {
    env: { ...process.env, ...env },
  });
  return JSON.parse(output.trim().split('\n').at(-1) ?? 'null') as O;
}

async function credentialsOf({ clients, cluster }: RunningCluster): Promise<Credentials> {
  const secret = await clients.secrets.send(
    new GetSecretValueCommand({ SecretId: resourceNames(cluster.name).monitoringSecret }),
  );
  const { username, password } = JSON.parse(secret.SecretString ?? '{}');
  return { user: username, password };
}

/** A function called again and again in a process of its own, with the environment that it was deployed with. */
async function functionFigures(running: RunningCluster, handler: string, event: unknown): Promise<RunHandlerFigures> {
  const { cluster, endpoint, directory } = running;
  const access = { accessKeyId: 'local', secretAccessKey: 'local' };
  const lambda = new LambdaClient({ endpoint, region: cluster.network.region, credentials: access });
  const FunctionName = resourceNames(cluster.name).function(handler);
  const { Configuration, Code } = await lambda.send(new GetFunctionCommand({ FunctionName }));
  const bundle = join(fileURLToPath(Code?.Location ?? ''), 'index.js');
  return program<RunHandlerInput, RunHandlerFigures>(
    directory,
    'run-handler',
    { bundle, event, calls },
    {
      ...Configuration?.Environment?.Variables,
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: cluster.network.region,
      AWS_ACCESS_KEY_ID: access.accessKeyId,
      AWS_SECRET_ACCESS_KEY: access.secretAccessKey,
    },
  );
}

/** Clusters that look like the running one, on addresses of their own, and the servers that play their nodes. */
function simulate(cluster: Cluster, facts: ReadonlyMap<string, unknown>): [Cluster[], SimulationInput['servers']] {
  const clusters = Array.from({ length: clusterCount }, (_, index) => ({
    ...cluster,
    name: `${cluster.name}-${index}`,
    nodes: cluster.nodes.map((node, at) => ({ ...node, address: `127.200.${index}.${at + 1}` })),
  }));
  const servers = clusters.flatMap(({ nodes }, index) =>
    nodes.map((node, at) => ({
      address: node.address,
      port: node.port ?? cluster.postgres.port,
      facts: index % badEvery === badEvery - 1 && at === nodes.length - 1 ? null : facts.get(node.name),
    })),
  );
  return [clusters, servers];
}

/** A process with the servers, to be asked for what it has counted when all is done. */
async function startSimulation(directory: string, input: SimulationInput): Promise<() => Promise<SimulationCounts>> {
  const file = join(directory, 'simulation.json');
  writeFileSync(file, JSON.stringify(input));
  const child = spawn(process.execPath, [join(import.meta.dirname, 'simulated-nodes.ts'), file], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const { value } = await lines.next();
  if (value !== 'ready') throw new Error(`the simulated nodes did not start: ${value}`);
  return async () => {
    child.stdin.end();
    const counts = await lines.next();
    await once(child, 'exit');
    return JSON.parse(counts.value ?? 'null') as SimulationCounts;
  };
}

async function manyClusters(running: RunningCluster, credentials: Credentials): Promise<void> {
  const { cluster, directory } = running;
  const nodes = await observeNodes(cluster, credentials);
  const facts = new Map(nodes.flatMap((node) => (node.answered ? [[node.node, node.facts] as const] : [])));
  const [clusters, servers] = simulate(cluster, facts);
  const [key, certificate] = ['node.key', 'node.crt'].map((name) => join(directory, name));
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      '/CN=node',
      '-keyout',
      `${key}`,
      '-out',
      `${certificate}`,
    ],
    { stdio: 'ignore' },
  );
  const stop = await startSimulation(directory, {
    servers,
    password: credentials.password,
    key: readFileSync(`${key}`, 'utf8'),
    certificate: readFileSync(`${certificate}`, 'utf8'),
  });
  const input: ObserveManyInput = { clusters, credentials };
  const seen = await program<ObserveManyInput, ObserveManyFigures>(directory, 'observe-many', input);
  const counts = await stop();
  console.log(`One process looks at ${clusterCount} clusters at once (${servers.length} simulated nodes):`);
  printTable(
    ['all s', 'median s', 'p95 s', 'MB', 'connections', 'most at once', 'of one node', 'left open'],
    [
      [
        seen.seconds,
        median(seen.secondsOfClusters),
        percentile(seen.secondsOfClusters, 0.95),
        `${Math.round(seen.megabytes)}`,
        `${counts.connections}`,
        `${counts.mostAtOnce}`,
        `${counts.mostAtOnceOfOneNode}`,
        `${counts.stillOpen + seen.openSockets}`,
      ],
    ],
    2,
  );
  printTable(['verdict', 'clusters'], Object.entries(seen.verdicts), 0);
}

export async function checkFigures(): Promise<void> {
  // Seldom, so that the checks of the schedule do not disturb those that are measured.
  await withRunningCluster({ monitoring: { checkIntervalSeconds: 60 } }, async (running) => {
    await running.untilReplicating();
    const credentials = await credentialsOf(running);
    const check = await functionFigures(running, 'check-cluster', {});
    const observation = await functionFigures(running, 'observe-cluster', { credentials });
    console.log(`One check of three nodes (${calls - 1} calls after the first):`);
    const row = (name: string, { firstSeconds, seconds, megabytes }: RunHandlerFigures) => [
      name,
      firstSeconds * 1000,
      median(seconds) * 1000,
      percentile(seconds, 0.95) * 1000,
      megabytes,
    ];
    printTable(
      ['function', 'first ms', 'p50 ms', 'p95 ms', 'MB'],
      [row('check-cluster, observation included', check), row('observe-cluster alone', observation)],
      0,
    );
    await manyClusters(running, credentials);
  });
}
