/** Node commands over SSM Run Command: sent here, and read back when they have ended. */
import {
  type Command,
  type CommandFilter,
  DescribeInstanceInformationCommand,
  GetCommandInvocationCommand,
  InvalidInstanceId,
  InvocationDoesNotExist,
  ListCommandsCommand,
  paginateDescribeInstanceInformation,
  paginateListCommands,
  SendCommandCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { OperatorError } from '../contract/errors.ts';
import type { Invocation } from '../domain/command-outcome.ts';
import type { AddressedCommand } from '../domain/outgoing-command.ts';
import { retryUntil } from './retry-until.ts';

/** A command that was sent with a task token, as SSM describes it. */
export interface SentCommand {
  readonly commandId: string;
  readonly document: string;
  readonly instanceIds: readonly string[];
  readonly taskToken: string;
  /** Parameters of the command: the node's name, and the epoch of its operation. */
  readonly node: string | null;
  readonly epoch: string | null;
}

// SendCommand is throttled per account; the SDK's adaptive retry backs off with jitter.
const client = new SSMClient({ retryMode: 'adaptive', maxAttempts: 8 });

/**
 * Sends a command to one instance. Its output does not go to CloudWatch Logs: the agent's upload would delay the end of
 * every command by seconds (by 61 s where a log stream cannot be created), and its start by six minutes on a host
 * without a way there: agent/framework/processor/executer/iohandler in github.com/aws/amazon-ssm-agent.
 *
 * @returns SSM's command id
 * @throws OperatorError InstanceUnknownToSsm or HostUnreachable when SSM will not take it
 */
export async function sendNodeCommand(outgoing: AddressedCommand): Promise<string> {
  try {
    const { Command } = await client.send(
      new SendCommandCommand({
        DocumentName: outgoing.document,
        // The default version, which a command gets otherwise, is moved late by an update of the stack, or never.
        DocumentVersion: '$LATEST',
        InstanceIds: [outgoing.instanceId],
        Parameters: Object.fromEntries(Object.entries(outgoing.parameters).map(([name, value]) => [name, [value]])),
        TimeoutSeconds: outgoing.deliverySeconds,
        Comment: `${outgoing.command} on ${outgoing.node}`.slice(0, 100),
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

/** A command as SSM has it; null when it has none with this id, or one that no task waits for. */
export async function findCommand(commandId: string): Promise<SentCommand | null> {
  const { Commands } = await client.send(new ListCommandsCommand({ CommandId: commandId }));
  const [command] = Commands ?? [];
  return command === undefined ? null : sentCommand(command);
}

/** Commands of a document that were sent to an instance since a time, and that a task waits for. */
export async function findCommandsOn(instanceId: string, document: string, since: Date): Promise<SentCommand[]> {
  const found: SentCommand[] = [];
  const filters: CommandFilter[] = [
    // SSM compares whole seconds and wants no fraction.
    { key: 'InvokedAfter', value: since.toISOString().replace(/\.\d+Z$/, 'Z') },
    { key: 'DocumentName', value: document },
  ];
  for await (const { Commands } of paginateListCommands({ client }, { InstanceId: instanceId, Filters: filters })) {
    found.push(...(Commands ?? []).map(sentCommand).filter((command) => command !== null));
  }
  return found;
}

function sentCommand({ CommandId, DocumentName, InstanceIds, Parameters }: Command): SentCommand | null {
  const taskToken = Parameters?.TaskToken?.[0];
  if (CommandId === undefined || DocumentName === undefined || taskToken === undefined || taskToken === '-')
    return null;
  return {
    commandId: CommandId,
    document: DocumentName,
    instanceIds: InstanceIds ?? [],
    taskToken,
    node: Parameters?.Node?.[0] ?? null,
    epoch: Parameters?.Epoch?.[0] ?? null,
  };
}

/** What became of a command on its instance; null when SSM knows of no invocation, as happens right after it was sent. */
export async function readInvocation(commandId: string, instanceId: string): Promise<Invocation | null> {
  try {
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
  } catch (error) {
    if (error instanceof InvocationDoesNotExist) return null;
    throw error;
  }
}

/** How long SSM gets to answer about an invocation whose end it has reported itself. */
const patienceMilliseconds = 10_000;

/** The same of an invocation that SSM has just spoken of. */
export function readInvocationSoon(commandId: string, instanceId: string): Promise<Invocation> {
  return retryUntil(patienceMilliseconds, async () => {
    const invocation = await readInvocation(commandId, instanceId);
    if (invocation === null) throw new Error(`SSM knows of no invocation of ${commandId} on ${instanceId}`);
    return invocation;
  });
}
