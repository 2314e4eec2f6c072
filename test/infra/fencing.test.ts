/** How failover fences the former primary's host: the branch of the synthesized state machine, with the ends that its steps may have. */
import { StateMachine } from 'aws-local-stepfunctions';
import { expect, it } from 'vitest';
import { resourceNames } from '../../lambdas/contract/names.ts';
import { asText } from './assembly.ts';
import { example } from './clusters.ts';
import { all, templateOf } from './example-stacks.ts';

interface Branch {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, { readonly Branches?: readonly Branch[] }>>;
}

const names = resourceNames(example.name);
const failover = all(templateOf(example), 'AWS::StepFunctions::StateMachine').find(
  ({ StateMachineName }) => StateMachineName === names.runbook('failover'),
);
const branchesOf = ({ States }: Branch): Branch[] =>
  Object.values(States).flatMap(({ Branches = [] }) => Branches.flatMap((each) => [each, ...branchesOf(each)]));
const branch = branchesOf(JSON.parse(asText(failover?.DefinitionString))).find(
  ({ StartAt }) => StartAt === 'Is there one to fence',
);

class Failure extends Error {
  constructor(name: string) {
    super('as the test has it');
    this.name = name;
  }
}

const stopped = { standbyNames: 'FIRST 1 ("a")' };

/** Runs the branch; what each step answers, or the error that it ends with. */
async function fence(steps: Readonly<Record<string, object | Failure>>) {
  const visited: string[] = [];
  const all = { 'Look at its host': { method: 'host' }, 'Stop its instance': { state: 'stopped' }, ...steps };
  const handlers = Object.entries(all).map(([name, end]) => [
    name,
    async (given: unknown) => {
      visited.push(name);
      if (name === 'Ask for its end') {
        const asked = { document: names.document('fence-primary'), node: 'pg_sync_master', epoch: 7 };
        expect(given).toEqual({ givenUp: asked });
      }
      if (end instanceof Failure) throw end;
      return end;
    },
  ]);
  const machine = new StateMachine(branch as never, { validationOptions: { noValidate: true } });
  const { result } = machine.run(
    { plan: { fence: true, formerPrimary: 'pg_sync_master' }, operation: { epoch: 7 } } as never,
    {
      overrides: { taskResourceLocalHandlers: Object.fromEntries(handlers) },
      context: { Task: { Token: 'token' } } as never,
    },
  );
  return { fence: ((await result) as { fence: object }).fence, visited: visited.slice(1) };
}

const late = new Failure('States.Timeout');
const onHost = { method: 'host', detail: stopped };
const byEc2 = { method: 'instance', detail: { state: 'stopped' } };

it.each<[string, Record<string, object | Failure>, object, string[]]>([
  ['its end is told', { 'Stop its PostgreSQL': stopped }, onHost, []],
  [
    'its end is lost',
    { 'Stop its PostgreSQL': late, 'Ask for its end': { ended: true, result: stopped } },
    onHost,
    ['Ask for its end'],
  ],
  [
    'it has not ended',
    { 'Stop its PostgreSQL': late, 'Ask for its end': { ended: false } },
    byEc2,
    ['Ask for its end', 'Stop its instance'],
  ],
  [
    'nobody answers',
    { 'Stop its PostgreSQL': late, 'Ask for its end': new Failure('Lambda.TooManyRequestsException') },
    byEc2,
    ['Ask for its end', 'Stop its instance'],
  ],
  ['the host is busy', { 'Stop its PostgreSQL': new Failure('HostBusy') }, byEc2, ['Stop its instance']],
  ['it has failed', { 'Stop its PostgreSQL': new Failure('StillRunning') }, byEc2, ['Stop its instance']],
])('of the command on the host %s', async (_, steps, expected, after) => {
  expect(await fence(steps)).toEqual({ fence: expected, visited: ['Stop its PostgreSQL', ...after] });
});
