/**
 * `npm run bench`: the figures that the project publishes. Run it on a quiet machine.
 *
 * Without a name it takes some minutes; `npm run bench -- alerts`, `automatic-failover` and `silence` take longer, and
 * `npm run bench -- machines` needs root.
 */
import { Argument, Command, Option } from 'commander';
import { type HostKind, hostKinds } from '../local/hosts/hosting.ts';
import { type Latency, latencies } from '../local/pace/pace.ts';
import { alertFigures } from './alerts.ts';
import { automaticFailoverFigures } from './automatic-failover.ts';
import { checkFigures } from './checks.ts';
import { firstSecondsFigures } from './first-seconds.ts';
import { functionFigures } from './functions.ts';
import { machineFigures } from './machines.ts';
import { paceFigures } from './paces.ts';
import { rejoinFigures } from './rejoin.ts';
import { setupFigures } from './setup.ts';
import { silenceFigures } from './silence.ts';

/** Rows of about 1 kB: 1 GB of data. */
const gigabyteRows = 900_000;

interface Options {
  readonly faults: number;
  readonly interval: number;
  readonly minutes: number;
  readonly rounds: number;
  readonly failovers: number;
  readonly dropEvents: boolean;
  readonly latency: Latency;
  readonly hosts: HostKind;
}

const campaigns: Readonly<Record<string, (options: Options) => Promise<void>>> = {
  functions: functionFigures,
  setup: ({ rounds, latency }) => setupFigures(rounds, gigabyteRows, latency),
  checks: checkFigures,
  alerts: ({ faults, interval, latency }) => alertFigures(faults, interval, latency),
  'automatic-failover': ({ failovers, interval, dropEvents, latency }) =>
    automaticFailoverFigures(failovers, interval, dropEvents, latency),
  'first-seconds': ({ rounds }) => firstSecondsFigures(rounds),
  machines: ({ rounds }) => machineFigures(rounds),
  rejoin: ({ rounds, latency }) => rejoinFigures(rounds, latency),
  paces: ({ rounds, hosts }) => paceFigures(rounds, hosts),
  silence: ({ minutes, interval }) => silenceFigures(minutes, interval),
};

const number = (text: string) => Number.parseInt(text, 10);
const command = new Command('bench')
  .description('Measures, and prints tables')
  .addArgument(new Argument('[names...]', 'what to measure').choices(Object.keys(campaigns)))
  .option('--faults <number>', 'alerts: how many faults', number, 30)
  .option('--interval <seconds>', 'alerts, automatic-failover, silence: time between checks', number, 10)
  .option('--minutes <number>', 'silence: of the healthy cluster, and of the broken one', number, 10)
  .option('--failovers <number>', 'automatic-failover: how many', number, 20)
  .addOption(
    new Option('--latency <pace>', 'setup, alerts, automatic-failover, rejoin: as on this machine, or as on AWS')
      .choices(latencies)
      .default('none'),
  )
  .addOption(new Option('--hosts <kind>', 'paces: what hosts are made of').choices(hostKinds).default('processes'))
  .option('--drop-events', 'automatic-failover: those of the crash are lost', false)
  .option(
    '--rounds <number>',
    'first-seconds, setup, paces: how often; machines: how often each boots; rejoin: how often by each method',
    number,
    5,
  )
  .parse();

const names = command.args.length > 0 ? command.args : ['functions', 'setup', 'checks'];
for (const name of names) await campaigns[name]?.(command.opts<Options>());
