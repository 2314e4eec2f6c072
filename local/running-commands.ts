/** Commands to a runtime that runs: `npm run local -- fault …` and `npm run local -- stop …`. */
import { type Command, InvalidArgumentError } from 'commander';
import colours from 'picocolors';
import { healFaults, makeFault, type RuntimeState, stopHost } from './client/control.ts';
import type { Fault } from './faults/fault.ts';

function parseNumber(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError('must be a number above 0');
  return number;
}

/** Adds the commands; each finds the runtime by the program's `--port`. */
export function addRunningCommands(program: Command): void {
  const endpoint = () => `http://127.0.0.1:${program.opts<{ port: number }>().port}`;

  const told = async (change: Promise<RuntimeState>, tell: (state: RuntimeState) => void) => {
    try {
      tell(await change);
    } catch (error) {
      console.error(`${colours.red('Refused:')} ${(error as Error).message}`);
      process.exitCode = 1;
    }
  };
  const tellFaults = ({ faults }: RuntimeState) =>
    console.log(
      faults.length === 0 ? 'The network is whole.' : faults.map(({ description }) => description).join('\n'),
    );
  const make = (fault: Fault) => told(makeFault(endpoint(), fault), tellFaults);

  const fault = program
    .command('fault')
    .description('makes and heals faults of the hosts’ network, in a running runtime');
  fault
    .command('cut <node>')
    .description('cuts a host off from everything')
    .action((node: string) => make({ kind: 'cut', node }));
  fault
    .command('cut-between <node> <other>')
    .description('cuts two hosts off from each other')
    .action((node: string, other: string) => make({ kind: 'cut-between', node, other }));
  fault
    .command('cut-sql <node>')
    .description('cuts the functions off from PostgreSQL on a host')
    .action((node: string) => make({ kind: 'cut-sql', node }));
  fault
    .command('cut-ssm <node>')
    .description('cuts a host off from AWS: no commands, no results, no secrets')
    .action((node: string) => make({ kind: 'cut-ssm', node }));
  fault
    .command('delay <node> <milliseconds>')
    .description('makes every round trip to a host longer')
    .action((node: string, text: string) => make({ kind: 'delay', node, milliseconds: parseNumber(text) }));
  fault
    .command('loss <node> <percent>')
    .description('loses packets to and from a host')
    .action((node: string, text: string) => make({ kind: 'loss', node, percent: parseNumber(text) }));
  fault
    .command('heal [node]')
    .description('ends the faults of a host, or all')
    .action((node?: string) => told(healFaults(endpoint(), node), tellFaults));

  program
    .command('stop <node>')
    .description('cuts the power of a host, as `ec2 stop-instances --skip-os-shutdown` does')
    .option('--clean', 'shut the system down first, as `ec2 stop-instances` does', false)
    .option('--unnoticed', 'as by a fault of its hardware: EC2 goes on to say that it runs', false)
    .action((node: string, { clean, unnoticed }: { clean: boolean; unnoticed: boolean }) =>
      told(stopHost(endpoint(), node, unnoticed ? 'dies' : clean ? 'clean' : 'off'), () =>
        console.log(`${node} is off.`),
      ),
    );
}
