/** Node commands over SSM Run Command: sent here, and read back when they have ended. */
import {
  type Command,
  DescribeInstanceInformationCommand,
  GetCommandInvocationCommand,
  InvalidInstanceId,
  ListCommandsCommand,
  paginateDescribeInstanceInformation,
  paginateListCommands,
  SendCommandCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { OperatorError } from '../contract/errors.ts';
import type { Invocation } from '../domain/command-outcome.ts';
import type { AddressedCommand } from '../domain/outgoing-command.ts';

/** A command that was sent with a task token, on one instance. */
export interface SentCommand {
  readonly commandId: string;
  readonly instanceId: string;
  readonly taskToken: string;
  readonly sentAt: Date;
}

// SendCommand is throttled per account; the SDK's adaptive retry backs off with jitter.
const client = new SSMClient({ retryMode: 'adaptive', maxAttempts: 8 });

/**
 * Sends a command to one instance; its whole output goes to `logGroup`.
 *
 * @returns SSM's command id
 * @throws OperatorError InstanceUnknownToSsm or HostUnreachable when SSM will not take it
 */
export async function sendNodeCommand(outgoing: AddressedCommand, logGroup: string): Promise<string> {
  try {
    const { Command } = await client.send(
      new SendCommandCommand({
        DocumentName: outgoing.document,
        InstanceIds: [outgoing.instanceId],
        Parameters: Object.fromEntries(Object.entries(outgoing.parameters).map(([name, value]) => [name, [value]])),
        TimeoutSeconds: outgoing.deliverySeconds,
        Comment: `${outgoing.command} on ${outgoing.node}`.slice(0, 100),
        CloudWatchOutputConfig: { CloudWatchLogGroupName: logGroup, CloudWatchOutputEnabled: true },
      }),
    );
    if (Command?.CommandId === undefined) throw new Error('SSM accepted the command without giving it an id');
    return Command.CommandId;
  } catch (error) {
    if (error instanceof InvalidInstanceId) throw await whyNotTaken(outgoing, error);
    throw error;
  }
}

/** When SSM last heard of each instance's agent; an instance that it does not know is missing. */
export async function lastPings(instanceIds: readonly string[]): Promise<Map<string, Date>> {
  if (instanceIds.length === 0) return new Map();
  const pings = new Map<string, Date>();
  const pages = paginateDescribeInstanceInformation(
    { client },
    { Filters: [{ Key: 'InstanceIds', Values: [...instanceIds] }] },
  );
  for await (const { InstanceInformationList } of pages) {
    for (const { InstanceId, PingStatus, LastPingDateTime } of InstanceInformationList ?? []) {
      if (InstanceId === undefined || LastPingDateTime === undefined) continue;
      pings.set(InstanceId, PingStatus === 'Online' ? new Date() : LastPingDateTime);
    }
  }
  return pings;
}

/** Those of the instances whose agent SSM hears of. */
export async function agentsOnline(instanceIds: readonly string[]): Promise<Set<string>> {
  const online = new Set<string>();
  const pages = paginateDescribeInstanceInformation(
    { client },
    { Filters: [{ Key: 'InstanceIds', Values: [...instanceIds] }] },
  );
  for await (const { InstanceInformationList } of pages) {
    for (const { InstanceId, PingStatus } of InstanceInformationList ?? []) {
      if (InstanceId !== undefined && PingStatus === 'Online') online.add(InstanceId);
    }
  }
  return online;
}

/** Tells an instance that SSM has never seen from one that it cannot reach now. */
async function whyNotTaken({ instanceId, node }: AddressedCommand, cause: Error): Promise<OperatorError> {
  const { InstanceInformationList } = await client.send(
    new DescribeInstanceInformationCommand({ Filters: [{ Key: 'InstanceIds', Values: [instanceId] }] }),
  );
  const [information] = InstanceInformationList ?? [];
  if (information === undefined) {
    return new OperatorError(
      'InstanceUnknownToSsm',
      `SSM does not know the instance ${instanceId} of ${node}.`,
      'Check its id in clusters.json, that the SSM agent runs on it, and that its role has AmazonSSMManagedInstanceCore.',
      { cause },
    );
  }
  return new OperatorError(
    'HostUnreachable',
    `SSM cannot reach ${instanceId} of ${node} (ping status ${information.PingStatus}, last seen ${information.LastPingDateTime?.toISOString() ?? 'never'}).`,
    'Check that the instance runs and that its SSM agent is online, then start the runbook again.',
    { cause },
  );
}

/** The command as it was sent, or null when nobody waits for it. */
export async function findSentCommand(commandId: string, instanceId: string): Promise<SentCommand | null> {
  const { Commands } = await client.send(new ListCommandsCommand({ CommandId: commandId }));
  const [command] = Commands ?? [];
  return command === undefined ? null : sentCommand(command, instanceId);
}

/** The parts of a command that completing it takes; null when nobody waits for it. */
function sentCommand(command: Command, instanceId: string): SentCommand | null {
  const taskToken = command.Parameters?.TaskToken?.[0];
  const { CommandId: commandId, RequestedDateTime: sentAt } = command;
  if (taskToken === undefined || taskToken === '-' || commandId === undefined || sentAt === undefined) return null;
  return { commandId, instanceId, taskToken, sentAt };
}

/** Commands of the given documents sent since `since` that somebody waits for. */
export async function findCommandsSince(since: Date, documents: ReadonlySet<string>): Promise<SentCommand[]> {
  const found: SentCommand[] = [];
  // SSM compares whole seconds and wants no fraction.
  const invokedAfter = since.toISOString().replace(/\.\d+Z$/, 'Z');
  const pages = paginateListCommands({ client }, { Filters: [{ key: 'InvokedAfter', value: invokedAfter }] });
  for await (const { Commands } of pages) {
    for (const command of Commands ?? []) {
      const [instanceId] = command.InstanceIds ?? [];
      if (instanceId === undefined || !documents.has(command.DocumentName ?? '')) continue;
      const sent = sentCommand(command, instanceId);
      if (sent !== null) found.push(sent);
    }
  }
  return found;
}

/** What became of a command on its instance. */
export async function readInvocation({
  commandId,
  instanceId,
}: Pick<SentCommand, 'commandId' | 'instanceId'>): Promise<Invocation> {
  const invocation = await client.send(
    new GetCommandInvocationCommand({ CommandId: commandId, InstanceId: instanceId }),
  );
  return {
    instanceId,
    statusDetails: invocation.StatusDetails ?? 'Pending',
    responseCode: invocation.ResponseCode ?? -1,
    standardOutput: invocation.StandardOutputContent ?? '',
    standardError: invocation.StandardErrorContent ?? '',
  };
}
