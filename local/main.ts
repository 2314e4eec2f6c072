/** `npm run local`: the local runtime, kept up until SIGINT or SIGTERM. */
import { enableCompileCache } from 'node:module';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import colours from 'picocolors';
import { defaultDirectory } from './default-directory.ts';
import { type HostKind, hostKinds } from './hosts/hosting.ts';
import { type Latency, latencies } from './pace/pace.ts';
import { addRunningCommands } from './running-commands.ts';

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1024 || port > 65_535) throw new InvalidArgumentError('must be 1024 to 65535');
  return port;
}

function addPostgresBin(text: string, earlier: Map<number, string>): Map<number, string> {
  const match = /^(\d+)=(.+)$/.exec(text);
  if (match === null) throw new InvalidArgumentError('must be MAJOR=DIRECTORY, such as 15=/usr/lib/postgresql/15/bin');
  return new Map(earlier).set(Number(match[1]), resolve(match[2] ?? ''));
}

interface Options {
  clusters: string;
  hosts: HostKind;
  port: number;
  dir: string;
  postgresBin: Map<number, string>;
  dropEvents: boolean;
  withoutAgent: string[];
  latency: Latency;
  reuseAssembly?: boolean;
}

/** Starts the runtime and keeps it up. */
async function run(options: Options): Promise<void> {
  process.env.TZ = 'UTC';
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => ending.abort(signal));

  try {
    // Half of a start is to compile what the runtime is made of.
    enableCompileCache();
    // Commands to a running runtime need none of it.
    const { startRuntime } = await import('./runtime.ts');
    const runtime = await startRuntime({
      clustersFile: options.clusters,
      hosts: options.hosts,
      port: options.port,
      directory: options.dir,
      postgresBins: options.postgresBin,
      dropEvents: options.dropEvents,
      withoutAgent: options.withoutAgent,
      latency: options.latency,
      reuseAssembly: options.reuseAssembly === true,
      say: (line) => console.log(line),
    });
    if (!ending.signal.aborted) {
      console.log(`\n${colours.green('Ready:')} ${runtime.endpoint}   (end with Ctrl-C)`);
      console.log(`${colours.green('Dashboard:')} ${runtime.endpoint}/   (in a browser)`);
      for (const { name, network } of runtime.clusters) {
        const arn = runtime.stateMachines.get(`${name}-setup`);
        if (arn === undefined) continue;
        console.log(`\nSet up ${colours.bold(name)} with:`);
        console.log(
          `  aws --endpoint-url ${runtime.endpoint} --region ${network.region} stepfunctions start-execution --state-machine-arn ${arn}`,
        );
      }
      console.log('');
      // The endpoint keeps the process alive until a signal.
      await new Promise<void>((resolveEnd) =>
        ending.signal.addEventListener('abort', () => resolveEnd(), { once: true }),
      );
    }
    console.log('Ending');
    await runtime.stop();
    // Whatever timer is left somewhere must not keep anybody waiting.
    process.exit();
  } catch (error) {
    console.error(`${colours.red('Not started:')} ${(error as Error).message}`);
    process.exit(1);
  }
}

const program = new Command('local')
  .description('Runs the clusters of a file on this machine, behind an AWS endpoint on 127.0.0.1')
  .option('--port <number>', 'port of the AWS endpoint', parsePort, 4566)
  .option('--clusters <file>', 'clusters file', 'clusters.json')
  .addOption(
    new Option('--hosts <kind>', 'what hosts are made of: machines need root on Linux')
      .choices(hostKinds)
      .default('processes'),
  )
  .option('--dir <directory>', 'directory for hosts, secrets, mails, logs and executions', defaultDirectory('.'))
  .option(
    '--postgres-bin <major=directory>',
    'server programs of a PostgreSQL major version (repeatable)',
    addPostgresBin,
    new Map(),
  )
  .addOption(
    new Option('--latency <pace>', 'how long everything takes: as on this machine, or as on AWS')
      .choices(latencies)
      .default('none'),
  )
  .option('--drop-events', 'lose all events of AWS services: only the scheduled sweep completes commands', false)
  .option(
    '--without-agent <node>',
    'a host on which the SSM agent was never installed (repeatable)',
    (node: string, earlier: string[]) => [...earlier, node],
    [],
  )
  // For tests, during which no source changes.
  .addOption(new Option('--reuse-assembly', 'take the assembly that DIR holds of the same clusters').hideHelp())
  .action(run);
addRunningCommands(program);
await program.parseAsync();
