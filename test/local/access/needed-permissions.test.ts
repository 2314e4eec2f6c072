/** The mutation test of policies, on policies whose superfluous parts are known. */
import { expect, it } from 'vitest';
import type { Decision } from '../../../local/access/decision.ts';
import type { AllPolicies, Statement } from '../../../local/access/policy.ts';
import { NeededPermissions } from '../../support/needed-permissions.ts';

const account = '000000000000';
const role = `arn:aws:iam::${account}:role/worker`;
const rule = (name: string) => `arn:aws:events:us-east-1:${account}:rule/${name}`;
const table = (name: string) => `arn:aws:dynamodb:us-east-1:${account}:table/${name}`;
const functionArn = `arn:aws:lambda:us-east-1:${account}:function:one-worker`;

const policiesOf = (statements: Statement[], letIn: Statement[] = []): AllPolicies => ({
  roles: { [role]: [{ name: 'Worker/own', document: { Version: '2012-10-17', Statement: statements } }] },
  resources: { [functionArn]: { Version: '2012-10-17', Statement: letIn } },
  stacks: { [role]: 'one', [functionArn]: 'one' },
});

const call = (action: string, resource: string, more: Partial<Decision> = {}): Decision => ({
  holder: role,
  principal: `arn:aws:sts::${account}:assumed-role/worker/worker`,
  account,
  action,
  resource,
  context: {},
  ...more,
});

const superfluous = async (policies: AllPolicies, decisions: Decision[]) => {
  const needed = new NeededPermissions();
  await needed.add({ policies, decisions });
  return needed.superfluous;
};

it('finds an action and a resource that nobody uses', async () => {
  const statement: Statement = {
    Effect: 'Allow',
    Action: ['dynamodb:GetItem', 'dynamodb:PutItem'],
    Resource: [table('one-state'), table('one-other')],
  };
  expect(await superfluous(policiesOf([statement]), [call('dynamodb:GetItem', table('one-state'))])).toEqual([
    'Worker/own: dynamodb:GetItem, dynamodb:PutItem on dynamodb:table/CLUSTER-other',
    'Worker/own: dynamodb:PutItem',
  ]);
});

it('finds a statement that another one makes superfluous', async () => {
  const wide: Statement = { Effect: 'Allow', Action: 'dynamodb:*', Resource: '*' };
  const narrow: Statement = { Effect: 'Allow', Action: 'dynamodb:GetItem', Resource: table('one-state') };
  expect(await superfluous(policiesOf([wide, narrow]), [call('dynamodb:GetItem', table('one-state'))])).toEqual([
    'Worker/own: dynamodb:*',
    'Worker/own: dynamodb:* on *',
    'Worker/own: dynamodb:GetItem',
    'Worker/own: dynamodb:GetItem on dynamodb:table/CLUSTER-state',
  ]);
});

it('counts no call that was refused, and takes what several runtimes needed together', async () => {
  const statement: Statement = { Effect: 'Allow', Action: 'dynamodb:GetItem', Resource: [table('a'), table('b')] };
  const policies = policiesOf([statement]);
  const needed = new NeededPermissions();
  const refused = call('dynamodb:GetItem', table('b'), { denial: 'because of another policy' });
  await needed.add({ policies, decisions: [call('dynamodb:GetItem', table('a')), refused] });
  expect(needed.superfluous).toEqual(['Worker/own: dynamodb:GetItem on dynamodb:table/b']);
  await needed.add({ policies, decisions: [call('dynamodb:GetItem', table('b'))] });
  expect(needed.superfluous).toEqual([]);
});

it('finds a source that a resource lets in for nothing', async () => {
  const letIn = (...sources: string[]): Statement => ({
    Effect: 'Allow',
    Principal: { Service: 'events.amazonaws.com' },
    Action: 'lambda:InvokeFunction',
    Resource: functionArn,
    Condition: { ArnLike: { 'aws:SourceArn': sources } },
  });
  const invoked = call('lambda:InvokeFunction', functionArn, {
    holder: 'events.amazonaws.com',
    principal: 'events.amazonaws.com',
    context: { 'aws:SourceArn': rule('ended') },
  });
  expect(await superfluous(policiesOf([], [letIn(rule('ended'), rule('gone'))]), [invoked])).toEqual([
    'lambda:function:CLUSTER-worker: {"Service":"events.amazonaws.com"} lambda:InvokeFunction for events:rule/gone',
  ]);
});
