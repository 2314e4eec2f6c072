/** `npm run rehearsal`: the main job on this machine, from three empty hosts to a synchronously replicated cluster. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { loadClusters } from '../../lambdas/contract/load-clusters.ts';
import { localClients } from '../client/aws-clients.ts';
import { localClusters } from '../client/host-access.ts';
import { Mailbox } from '../client/mailbox.ts';
import { type HostKind, hostKinds } from '../hosts/hosting.ts';
import { whyNoMachines } from '../hosts/machines/why-no-machines.ts';
import { type Latency, latencies } from '../pace/pace.ts';
import { startRuntime } from '../runtime.ts';
import { nightScenarios } from './night-scenarios.ts';
import { repairScenarios } from './repair-scenarios.ts';
import { RehearsalReport, type ScenarioResult } from './report.ts';
import { setupScenarios } from './setup-scenarios.ts';

const options = new Command('rehearsal')
  .description('Runs the setup runbook and its scenarios against real PostgreSQL on this machine')
  .option('--clusters <file>', 'clusters file; its first cluster is rehearsed', 'clusters.json')
  .addOption(
    new Option('--hosts <kind>', 'what hosts are made of: machines need root on Linux')
      .choices(hostKinds)
      .default('processes'),
  )
  .option('--or-skip', 'where hosts cannot be machines, say why and count that as success', false)
  .addOption(
    new Option('--scenarios <which>', 'setup: those of the notes up to a running cluster')
      .choices(['setup', 'all'])
      .default('all'),
  )
  .option(
    '--check-interval <seconds>',
    'seconds between two checks, instead of those of the clusters file: alerts are waited for as long',
    (text) => Number.parseInt(text, 10),
  )
  .addOption(
    new Option('--latency <pace>', 'how long everything takes: as on this machine, or as on AWS')
      .choices(latencies)
      .default('none'),
  )
  .option('--port <number>', 'port of the AWS endpoint', (text) => Number.parseInt(text, 10), 4567)
  .option(
    '--dir <directory>',
    'directory for hosts, mails and logs (default: a temporary one, removed when all has passed)',
  )
  .parse()
  .opts<{
    clusters: string;
    hosts: HostKind;
    orSkip: boolean;
    scenarios: 'setup' | 'all';
    checkInterval?: number;
    latency: Latency;
    port: number;
    dir?: string;
  }>();

/** How many times as long everything may take: AWS's times are seconds where this machine's are milliseconds. */
const patience = { none: 1, aws: 4, 'aws-slow': 15 } as const satisfies Record<Latency, number>;

const scenarios =
  options.scenarios === 'setup' ? setupScenarios : [...setupScenarios, ...nightScenarios, ...repairScenarios];

/** A directory that the PostgreSQL user can enter, too. */
function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'rehearsal-'));
  chmodSync(directory, 0o755);
  return directory;
}

/** The clusters file, or a copy of it in which the checks come at another interval. */
function clustersFile(directory: string): string {
  const { clusters, checkInterval } = options;
  if (checkInterval === undefined) return clusters;
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const copy = join(directory, 'clusters.rehearsed.json');
  const changed = loadClusters(clusters).map((cluster) => ({
    ...cluster,
    monitoring: { ...cluster.monitoring, checkIntervalSeconds: checkInterval },
  }));
  writeFileSync(copy, JSON.stringify(changed, undefined, 2));
  return copy;
}

/** Runs the scenarios in order and stops at the first that fails: the later ones build on it. */
async function rehearse(directory: string, report: RehearsalReport): Promise<ScenarioResult[]> {
  const runtime = await startRuntime({
    clustersFile: clustersFile(directory),
    hosts: options.hosts,
    port: options.port,
    directory,
    latency: options.latency,
    say: console.log,
  });
  try {
    const [cluster] = localClusters(directory);
    if (cluster === undefined) throw new Error('there is no cluster to rehearse');
    if (options.latency !== 'none') report.show(`At AWS's pace (${options.latency}): see docs/aws-pace.md`);
    report.show(`Watch it in a browser: ${runtime.endpoint}/`);
    const context = {
      cluster,
      clients: localClients(runtime.endpoint, cluster.network.region),
      mailbox: new Mailbox(join(directory, 'mail')),
      patience: patience[options.latency],
      tell: (line: string) => report.progress(line),
      show: (text: string) => report.show(text),
    };
    const results: ScenarioResult[] = [];
    for (const { id, title, run } of scenarios) {
      report.heading(`${id}: ${title}`);
      const started = performance.now();
      const failure = await run(context).then(
        () => null,
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
      const result = { id, title, failure, seconds: (performance.now() - started) / 1000 };
      results.push(result);
      report.result(result);
      if (failure !== null) break;
    }
    return results;
  } finally {
    await runtime.stop();
  }
}

/** Why there is nothing to rehearse; undefined when there is. */
async function whySkip(): Promise<string | undefined> {
  return options.orSkip && options.hosts === 'machines' ? whyNoMachines() : undefined;
}

/** Rehearses and reports; leaves the directory where something has failed. */
async function main(): Promise<void> {
  const skipped = await whySkip();
  if (skipped !== undefined) {
    console.log(`Skipped: hosts cannot be machines here: ${skipped}`);
    return;
  }
  const report = new RehearsalReport();
  const directory = options.dir ?? temporaryDirectory();
  const results = await rehearse(directory, report);
  report.summary(results);
  const passed = results.length === scenarios.length && results.every(({ failure }) => failure === null);
  if (!passed) console.log(`\n  Hosts, mails and logs are kept in ${directory}`);
  else if (options.dir === undefined) rmSync(directory, { recursive: true, force: true });
  process.exitCode = passed ? 0 : 1;
}

await main();
