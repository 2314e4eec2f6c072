/** The events that AWS services send by themselves, as EventBridge delivers them. */
import type { Command, Invocation } from '../commands/command.ts';
import type { ExecutionRecord } from '../executions/execution-store.ts';
import type { HostFacts, HostState } from '../hosts/host.ts';

/** The event that Step Functions sends when an execution changes its status. */
export function executionEvent(record: ExecutionRecord, region: string, account: string) {
  const { executionArn, stateMachineArn, name, status, startDate, stopDate, input, output, error, cause } = record;
  return {
    source: 'aws.states',
    'detail-type': 'Step Functions Execution Status Change',
    resources: [executionArn],
    region,
    account,
    detail: {
      executionArn,
      stateMachineArn,
      name,
      status,
      startDate: startDate.getTime(),
      stopDate: stopDate?.getTime() ?? null,
      input,
      output: output ?? null,
      error: error ?? null,
      cause: cause ?? null,
    },
  };
}

/** The event that Run Command sends when an invocation changes its status. */
export function commandEvent(command: Command, invocation: Invocation) {
  const { region, account } = command.document;
  return {
    source: 'aws.ssm',
    'detail-type': 'EC2 Command Invocation Status-change Notification',
    resources: [`arn:aws:ec2:${region}:${account}:instance/${invocation.instanceId}`],
    region,
    account,
    detail: {
      'command-id': command.id,
      'document-name': command.document.name,
      'instance-id': invocation.instanceId,
      'requested-date-time': command.requested.toISOString(),
      // The event says how a command timed out, as the console does.
      status: invocation.status,
    },
  };
}

/** The event that EC2 sends when an instance changes its state. */
export function instanceEvent(facts: HostFacts, state: HostState, account: string) {
  const { region, instanceId } = facts;
  return {
    source: 'aws.ec2',
    'detail-type': 'EC2 Instance State-change Notification',
    resources: [`arn:aws:ec2:${region}:${account}:instance/${instanceId}`],
    region,
    account,
    detail: { 'instance-id': instanceId, state },
  };
}
