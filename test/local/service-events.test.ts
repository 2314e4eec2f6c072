/** The events that the local runtime sends for AWS's services, against the schemas that EventBridge publishes. */
import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec';
import { describe, expect, test } from 'vitest';
import type { Command, Invocation } from '../../local/commands/command.ts';
import { commandEvent, executionEvent, instanceEvent } from '../../local/events/service-events.ts';
import type { ExecutionRecord } from '../../local/executions/execution-store.ts';
import type { HostFacts } from '../../local/hosts/host.ts';

const account = '123456789012';
const region = 'us-east-1';
const instanceId = 'i-0123456789abcdef0';

const stateMachineArn = `arn:aws:states:${region}:${account}:stateMachine:pg-sync-setup`;
const record: ExecutionRecord = {
  executionArn: `arn:aws:states:${region}:${account}:execution:pg-sync-setup:first`,
  stateMachineArn,
  name: 'first',
  status: 'SUCCEEDED',
  startDate: new Date(1_000),
  stopDate: new Date(2_000),
  input: '{}',
  output: '{}',
};

const { stopDate: _stopDate, output: _output, ...running } = record;

describe('schemas of EventBridge', () => {
  const spec = loadAwsServiceSpecSync();

  test.each([
    ['an instance', instanceEvent({ region, instanceId } as HostFacts, 'stopping', account)],
    ['an execution that has ended', executionEvent(record, region, account)],
    ['an execution that runs', executionEvent({ ...running, status: 'RUNNING' }, region, account)],
  ])('%s', (_what, event) => {
    const [schema] = spec
      .all('event')
      .filter(({ source, detailType }) => source === event.source && detailType === event['detail-type']);
    const properties = schema && spec.get('eventTypeDefinition', schema.rootProperty).properties;
    if (properties === undefined) throw new Error('EventBridge has no schema of it');
    for (const [name, { type, required }] of Object.entries(properties)) {
      const value: unknown = (event.detail as Record<string, unknown>)[name];
      // What is not known yet is null, as the examples of Step Functions show it.
      if (value === null && ['output', 'stopDate'].includes(name)) continue;
      if (value === undefined)
        expect(`${name} may be left out: ${required !== true}`).toBe(`${name} may be left out: true`);
      else if (type.type === 'integer') expect(value).toSatisfy(Number.isInteger);
      else expect(typeof value).toBe(type.type);
    }
  });
});

test('a command: the members of the example in the documentation, for which there is no schema', () => {
  const command = {
    id: 'e8d3c0e4-71f7-4491-898f-c9b35bee5f3b',
    document: { region, account, name: 'AWS-RunShellScript' },
    requested: new Date('2016-07-10T21:51:30.049Z'),
  } as Command;
  const event = commandEvent(command, { instanceId, status: 'Success' } as Invocation);
  // https://docs.aws.amazon.com/systems-manager/latest/userguide/monitoring-systems-manager-event-examples.html
  expect(event).toEqual({
    source: 'aws.ssm',
    'detail-type': 'EC2 Command Invocation Status-change Notification',
    resources: [`arn:aws:ec2:${region}:${account}:instance/${instanceId}`],
    region,
    account,
    detail: {
      'command-id': 'e8d3c0e4-71f7-4491-898f-c9b35bee5f3b',
      'document-name': 'AWS-RunShellScript',
      'instance-id': instanceId,
      'requested-date-time': '2016-07-10T21:51:30.049Z',
      status: 'Success',
    },
  });
});
