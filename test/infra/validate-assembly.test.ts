import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validations } from 'aws-cdk-lib';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { beforeAll, describe, expect, it } from 'vitest';
import { defineClusters } from '../../infra/define-clusters.ts';
import type { Template } from './assembly.ts';
import { everyOption, example } from './clusters.ts';
import { stateMachineProblems } from './state-machine-checks.ts';
import { synthesize, temporaryApp } from './synthesize.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { assemblyProblems } from './validate-assembly.ts';

const assembly = synthesize(example, everyOption);

it('finds nothing in what this project synthesizes', () => {
  expect(assemblyProblems(assembly)).toEqual([]);
});

describe('a template', () => {
  /** Problems of the assembly after `change` was made to the example's template. */
  function problemsAfter(change: (template: Template) => void): string[] {
    const copy = temporaryDirectory();
    cpSync(assembly, copy, { recursive: true, filter: (path) => !path.includes('/asset.') });
    const file = join(copy, 'pg-sync.template.json');
    const template = JSON.parse(readFileSync(file, 'utf8')) as Template;
    change(template);
    writeFileSync(file, JSON.stringify(template));
    return assemblyProblems(copy);
  }

  function firstOf(template: Template, type: string): Record<string, unknown> {
    const found = Object.values(template.Resources).find(({ Type }) => Type === type);
    if (found === undefined) throw new Error(`no ${type}`);
    return found.Properties;
  }

  const faults = [
    ['a value that is not among the allowed', 'AWS::SSM::Document', { UpdateMethod: 'Overwrite' }, /UpdateMethod/],
    ['a property that does not exist', 'AWS::DynamoDB::Table', { TableNam: 'state' }, /TableNam/],
    ['a value of the wrong type', 'AWS::Lambda::Function', { Timeout: 'soon' }, /Timeout/],
    ['a reference to nothing', 'AWS::Lambda::Function', { Role: { 'Fn::GetAtt': ['Nobody', 'Arn'] } }, /Nobody/],
    ['a text that is not ASCII', 'AWS::SNS::Topic', { DisplayName: 'PostgreSQL\u2019s alerts' }, /is not ASCII/],
  ] as const;
  let problems: string[] = [];
  beforeAll(() => {
    // The validator takes seconds for a template: once for all of them, and each must be named.
    problems = problemsAfter((template) => {
      for (const [, type, change] of faults) Object.assign(firstOf(template, type), change);
    });
  });

  it.each(faults)('is refused with %s', (_, __, ___, words) => {
    expect(problems).toContainEqual(expect.stringMatching(words));
  });

  it('is refused for nothing else', () => {
    expect(problems.filter((problem) => !faults.some(([, , , words]) => words.test(problem)))).toEqual([]);
  });
});

describe('cdk-nag', () => {
  it('fails the synthesis on a finding without a reason', () => {
    const app = temporaryApp();
    const [stack] = defineClusters(app, [example]);
    new Queue(stack ?? app, 'Queue');
    expect(() => app.synth()).toThrow('AwsSolutions-SQS3');
  });

  it('is satisfied only by a reason that says something', () => {
    const app = temporaryApp();
    const [stack] = defineClusters(app, [example]);
    Validations.of(stack ?? app).acknowledge({ id: 'AwsSolutions-SQS3', reason: 'no' });
    expect(assemblyProblems(app.synth().directory)).toEqual([
      '/pg-sync: AwsSolutions-SQS3 is acknowledged without a reason',
    ]);
  });
});

describe('a state machine', () => {
  const task = { Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', TimeoutSeconds: 60, End: true };
  const problems = (states: Record<string, object>, first = 'Work') =>
    stateMachineProblems([JSON.stringify({ StartAt: first, States: states })]).flat();

  it('is right with a timeout for every task', () => {
    expect(problems({ Work: task })).toEqual([]);
    const { TimeoutSeconds: _, ...untimed } = task;
    expect(problems({ Work: untimed })).toEqual(['Work: a Task without TimeoutSeconds waits for 99999999 seconds']);
  });

  it('is refused with a misspelt field in Retry or Catch', () => {
    const retry = { ErrorEquals: ['HostBusy'], IntervalSecond: 5 };
    const handled = { ErrorEquals: ['States.ALL'], Next: 'Work', Resultpath: '$.failure' };
    expect(problems({ Work: { ...task, Retry: [retry], Catch: [handled] } })).toEqual([
      'Work: Retry has the unknown field IntervalSecond',
      'Work: Catch has the unknown field Resultpath',
    ]);
  });

  it('is refused when it matches an error that nothing raises', () => {
    expect(problems({ Work: { ...task, Retry: [{ ErrorEquals: ['HostIsBusy'] }] } })).toEqual([
      'Work: Retry matches no error: HostIsBusy',
    ]);
  });

  it('is refused with two states of one name, also in different branches', () => {
    const branch = { StartAt: 'Work', States: { Work: task } };
    expect(problems({ Both: { Type: 'Parallel', End: true, Branches: [branch, branch] } }, 'Both')).toContain(
      'Work: two states have this name',
    );
  });

  it('is refused with a state that is never reached', () => {
    expect(problems({ Work: task, Lost: task })).not.toEqual([]);
  });
});
