/** Decisions about calls, on small templates: roles, resource policies, conditions, and what cannot be judged. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AccessControl } from '../../../local/access/access-control.ts';
import { checkConfiguredCalls } from '../../../local/access/configured-calls.ts';
import { gateOf } from '../../../local/access/gate.ts';
import { serviceFor } from '../../../local/access/principal.ts';
import type { Resource, Stack } from '../../../local/assembly/load-assembly.ts';

const account = '000000000000';
const region = 'us-east-1';
const roleArn = `arn:aws:iam::${account}:role/worker`;
const functionArn = `arn:aws:lambda:${region}:${account}:function:worker`;
const document = `arn:aws:ssm:${region}:${account}:document/promote`;
const instance = `arn:aws:ec2:${region}:${account}:instance/i-00000000000000001`;
const rule = `arn:aws:events:${region}:${account}:rule/ended`;
const topic = `arn:aws:sns:${region}:${account}:alerts`;
const queue = `arn:aws:sqs:${region}:${account}:checks`;

const resource = (logicalId: string, type: string, properties: object, id = logicalId, arn?: string): Resource => ({
  logicalId,
  type,
  properties: properties as Resource['properties'],
  id,
  attributes: arn === undefined ? {} : { Arn: arn },
  inert: false,
});

const trust = (service: string) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: service } }],
});

const role = (statements: object[], more: object = {}) =>
  resource(
    'Worker',
    'AWS::IAM::Role',
    {
      AssumeRolePolicyDocument: trust('lambda.amazonaws.com'),
      Policies: [{ PolicyName: 'own', PolicyDocument: { Version: '2012-10-17', Statement: statements } }],
      ...more,
    },
    'worker',
    roleArn,
  );

const allow = (Action: string | string[], Resource: string | string[], more: object = {}) => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...more,
});

function controlOf(resources: Resource[]) {
  const directory = mkdtempSync(join(tmpdir(), 'access-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const stack = { name: 'stack', account, region, resources, outputs: [] } as unknown as Stack;
  const said: string[] = [];
  const access = new AccessControl([stack], account, directory, (line) => said.push(line));
  const decisions = () =>
    readFileSync(join(directory, 'decisions.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  return { access, stack, said, decisions };
}

const sendCommand = { action: 'ssm:SendCommand', resources: [document, instance] };

describe('a call with a role', () => {
  it('is allowed when a statement allows the action on every resource', async () => {
    const { access } = controlOf([role([allow('ssm:SendCommand', [document, instance])])]);
    await access.check(access.session(roleArn, 'worker'), sendCommand);
  });

  it('is refused in the words of AWS, naming the one resource that is missing', async () => {
    const { access } = controlOf([role([allow('ssm:SendCommand', document)])]);
    await expect(access.check(access.session(roleArn, 'worker'), sendCommand)).rejects.toThrow(
      `User: arn:aws:sts::${account}:assumed-role/worker/worker is not authorized to perform: ssm:SendCommand on resource: ${instance} because no identity-based policy allows the ssm:SendCommand action`,
    );
  });

  it('that knows no resources is allowed by * alone', async () => {
    const call = { action: 'ssm:ListCommands', resources: [], region };
    const narrow = controlOf([role([allow('ssm:ListCommands', `arn:aws:ssm:${region}:${account}:document/promote`)])]);
    await expect(narrow.access.check(narrow.access.session(roleArn, 'worker'), call)).rejects.toThrow(
      `ssm:ListCommands on resource: arn:aws:ssm:${region}:${account}:* because`,
    );
    const wide = controlOf([role([allow('ssm:ListCommands', '*')])]);
    await wide.access.check(wide.access.session(roleArn, 'worker'), call);
  });

  it('is refused by a Deny whose condition it meets, and by no other', async () => {
    const deny = {
      Effect: 'Deny',
      NotAction: 'logs:PutLogEvents',
      Resource: '*',
      Condition: { ArnEquals: { 'lambda:SourceFunctionArn': functionArn } },
    };
    const { access } = controlOf([role([allow('ssm:SendCommand', '*'), deny])]);
    // Lambda itself, outside of the function's code.
    await access.check(access.session(roleArn, 'worker'), sendCommand);
    const code = access.session(roleArn, 'worker', { 'lambda:SourceFunctionArn': functionArn });
    await expect(access.check(code, sendCommand)).rejects.toThrow(/with an explicit deny in an identity-based policy/);
  });

  it('to a table is allowed for the items that a condition names', async () => {
    const table = `arn:aws:dynamodb:${region}:${account}:table/state`;
    const items = { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['operation'] } };
    const { access } = controlOf([role([allow('dynamodb:GetItem', table, { Condition: items })])]);
    const get = (...keys: string[]) =>
      access.check(access.session(roleArn, 'worker'), {
        action: 'dynamodb:GetItem',
        resources: [table],
        context: { 'dynamodb:LeadingKeys': keys },
      });
    await get('operation');
    await expect(get('checker')).rejects.toThrow(/dynamodb:GetItem/);
    await expect(get('operation', 'checker')).rejects.toThrow(/dynamodb:GetItem/);
  });

  it('counts policies that are attached from elsewhere in the template', async () => {
    const policy = resource('More', 'AWS::IAM::Policy', {
      Roles: ['worker'],
      PolicyDocument: { Version: '2012-10-17', Statement: [allow('ssm:SendCommand', '*')] },
    });
    const { access } = controlOf([role([allow('sns:Publish', topic)]), policy]);
    await access.check(access.session(roleArn, 'worker'), sendCommand);
  });

  it('is answered from memory when it is repeated', async () => {
    const { access, decisions } = controlOf([role([allow('ssm:SendCommand', '*')])]);
    for (let time = 0; time < 3; time++) await access.check(access.session(roleArn, 'worker'), sendCommand);
    expect(decisions().map((decision) => [decision.holder, decision.action, decision.resource])).toEqual([
      [roleArn, 'ssm:SendCommand', document],
      [roleArn, 'ssm:SendCommand', instance],
    ]);
  });
});

describe('a service that calls in its own name', () => {
  const lambda = resource('Function', 'AWS::Lambda::Function', { Role: roleArn }, 'worker', functionArn);
  const permission = resource('Permission', 'AWS::Lambda::Permission', {
    Action: 'lambda:InvokeFunction',
    FunctionName: functionArn,
    Principal: 'events.amazonaws.com',
    SourceArn: rule,
  });
  const invoke = { action: 'lambda:InvokeFunction', resources: [functionArn] };

  it('is let in for the source that the permission names', async () => {
    const { access, said } = controlOf([role([]), lambda, permission]);
    expect(await access.may(serviceFor('events.amazonaws.com', rule), invoke)).toBe(true);
    expect(await access.may(serviceFor('events.amazonaws.com', `${rule}-of-another`), invoke)).toBe(false);
    expect(await access.may(serviceFor('sns.amazonaws.com', topic), invoke)).toBe(false);
    expect(said).toEqual([
      expect.stringContaining('events.amazonaws.com is not authorized to perform: lambda:InvokeFunction'),
      expect.stringContaining('sns.amazonaws.com is not authorized to perform: lambda:InvokeFunction'),
    ]);
  });

  it('is stopped where the resource has no policy at all', async () => {
    const { access } = controlOf([]);
    const send = { action: 'sqs:SendMessage', resources: [queue] };
    expect(await access.may(serviceFor('sns.amazonaws.com', topic), send)).toBe(false);
  });
});

describe('what a template configures', () => {
  const lambda = (more: object = {}) =>
    resource('Function', 'AWS::Lambda::Function', { Role: roleArn, ...more }, 'worker', functionArn);

  it('is refused when a service may not assume the role', async () => {
    const { access, stack } = controlOf([
      role([], { AssumeRolePolicyDocument: trust('states.amazonaws.com') }),
      lambda(),
    ]);
    await expect(checkConfiguredCalls([stack], access)).rejects.toThrow(
      `lambda.amazonaws.com is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`,
    );
  });

  it('is refused when a role does not let Lambda into the VPC, or read the queue', async () => {
    const mapping = resource('Mapping', 'AWS::Lambda::EventSourceMapping', {
      FunctionName: 'worker',
      EventSourceArn: queue,
    });
    const inVpc = lambda({ VpcConfig: { SubnetIds: ['subnet-1'], SecurityGroupIds: ['sg-1'] } });
    const { access, stack } = controlOf([role([allow('sqs:ReceiveMessage', queue)]), inVpc, mapping]);
    const refusals = await checkConfiguredCalls([stack], access).then(
      () => '',
      (error: Error) => error.message,
    );
    expect(refusals).toContain('ec2:CreateNetworkInterface on resource');
    expect(refusals).toContain('ec2:DescribeSubnets');
    expect(refusals).toContain(`sqs:DeleteMessage on resource: ${queue}`);
    expect(refusals).not.toContain('sqs:ReceiveMessage on resource');
  });

  it('is refused when an alarm may not publish', async () => {
    const alarm = resource(
      'Alarm',
      'AWS::CloudWatch::Alarm',
      { AlarmActions: [topic] },
      'stopped',
      `arn:aws:cloudwatch:${region}:${account}:alarm:stopped`,
    );
    const { access, stack } = controlOf([alarm]);
    await expect(checkConfiguredCalls([stack], access)).rejects.toThrow(
      `cloudwatch.amazonaws.com is not authorized to perform: sns:Publish on resource: ${topic}`,
    );
  });
});

describe('what could only be misjudged is refused when it is loaded', () => {
  it.each([
    [
      'a condition key without a known value',
      role([allow('ssm:SendCommand', '*', { Condition: { StringEquals: { 'aws:ResourceTag/Cluster': 'x' } } })]),
      'Worker: the condition key aws:ResourceTag/Cluster is not supported by the local runtime',
    ],
    [
      'a policy that IAM would not take',
      role([{ Effect: 'Allow', Action: 'SendCommand', Resource: '*' }]),
      'Worker: not a valid policy',
    ],
    [
      'a managed policy whose text is not known',
      role([], { ManagedPolicyArns: ['arn:aws:iam::aws:policy/AdministratorAccess'] }),
      'Worker: the policy arn:aws:iam::aws:policy/AdministratorAccess is not known to the local runtime',
    ],
    [
      'a permissions boundary',
      role([], { PermissionsBoundary: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }),
      'Role Worker: PermissionsBoundary is not supported by the local runtime',
    ],
  ])('%s', (_what, resources, message) => {
    expect(() => controlOf([resources])).toThrow(message);
  });
});

describe('the gate', () => {
  const lookups = () => ({
    secretArn: () => undefined,
    functionArn: () => undefined,
    partitionKey: () => 'id',
    machineOfToken: () => undefined,
  });
  const listExecutions = {
    service: 'states',
    operation: 'ListExecutions',
    input: { stateMachineArn: `arn:aws:states:${region}:${account}:stateMachine:setup` },
    region,
  };

  it('knows a role by the key that it was issued, and takes every other key for a person', async () => {
    const { access } = controlOf([role([])]);
    const gate = gateOf(access, account, lookups);
    const { accessKeyId } = access.keys.issue(access.session(roleArn, 'worker'));
    await expect(gate({ ...listExecutions, accessKeyId })).rejects.toMatchObject({
      code: 'AccessDeniedException',
      status: 400,
    });
    expect(await gate({ ...listExecutions, accessKeyId: 'AKIAIOSFODNN7EXAMPLE' })).toMatchObject({ kind: 'person' });
  });

  it('refuses a key that only looks like an issued one, and a request without a signature', async () => {
    const { access } = controlOf([]);
    const gate = gateOf(access, account, lookups);
    for (const accessKeyId of ['LOCALRUNTIME0123', 'i-00000000000000009']) {
      await expect(gate({ ...listExecutions, accessKeyId })).rejects.toMatchObject({
        code: 'UnrecognizedClientException',
      });
    }
    await expect(gate({ ...listExecutions, accessKeyId: undefined })).rejects.toMatchObject({
      code: 'MissingAuthenticationToken',
      status: 403,
    });
  });

  it.each([
    ['sns', 'Publish', { TopicArn: topic }, 'AuthorizationError', 403, 'SNS:Publish on resource: arn:aws:sns:'],
    [
      'sqs',
      'SendMessageBatch',
      { QueueUrl: `https://sqs.${region}.amazonaws.com/${account}/checks` },
      'AccessDenied',
      403,
      'because no identity-based policy allows the sqs:sendmessage action',
    ],
    [
      'ec2',
      'StopInstances',
      { InstanceId: ['i-00000000000000001'] },
      'UnauthorizedOperation',
      403,
      'You are not authorized to perform this operation. User: ',
    ],
    [
      'lambda',
      'Invoke',
      { values: { FunctionName: 'observe' } },
      'AccessDeniedException',
      403,
      `lambda:InvokeFunction on resource: arn:aws:lambda:${region}:${account}:function:observe`,
    ],
    ['dynamodb', 'PutItem', { TableName: 'state' }, 'AccessDeniedException', 400, 'dynamodb:PutItem on resource'],
  ])('refuses in the way of %s', async (service, operation, input, code, status, message) => {
    const { access } = controlOf([role([])]);
    const { accessKeyId } = access.keys.issue(access.session(roleArn, 'worker'));
    const refused = gateOf(access, account, lookups)({ service, operation, input, region, accessKeyId });
    await expect(refused).rejects.toMatchObject({ code, status, message: expect.stringContaining(message) });
  });
});
