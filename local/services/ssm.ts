/** AWS Systems Manager: Run Command, documents, managed instances. */
import * as z from 'zod';
import { longestStderr, longestStdout, sentOutput } from '../commands/agent-output.ts';
import type { Command, Invocation, InvocationStatus } from '../commands/command.ts';
import type { Commands } from '../commands/commands.ts';
import type { CommandDocument, Documents } from '../commands/documents.ts';
import type { Host } from '../hosts/host.ts';
import type { Hosts } from '../hosts/hosts.ts';
import { ownPace, type Pace } from '../pace/pace.ts';
import { AwsError } from '../protocols/aws-error.ts';
import { operation, page, type Service } from './service.ts';

/** At this machine's own pace an agent that is silent counts as lost after this. */
const connectionLostMilliseconds = 60_000;

const filter = z.array(z.strictObject({ key: z.string(), value: z.string() })).optional();
const paging = { MaxResults: z.int().min(1).optional(), NextToken: z.string().optional() };

/** Status of a command as a whole, from its invocations. */
function commandStatus(command: Command): InvocationStatus {
  const statuses = command.invocations.map(({ status }) => status);
  if (statuses.every((status) => status === 'Pending')) return 'Pending';
  if (statuses.some((status) => status === 'Pending' || status === 'InProgress')) return 'InProgress';
  return (['TimedOut', 'Failed', 'Cancelled'] as const).find((status) => statuses.includes(status)) ?? 'Success';
}

const count = (command: Command, ...statuses: InvocationStatus[]) =>
  command.invocations.filter(({ status }) => statuses.includes(status)).length;

function describeCommand(command: Command) {
  const status = commandStatus(command);
  return {
    CommandId: command.id,
    DocumentName: command.document.name,
    DocumentVersion: command.documentVersion,
    Comment: command.comment,
    ExpiresAfter: command.expires,
    Parameters: command.parameters,
    InstanceIds: command.instanceIds,
    Targets: [],
    RequestedDateTime: command.requested,
    Status: status,
    StatusDetails: command.invocations.find((invocation) => invocation.status === status)?.statusDetails ?? status,
    TargetCount: command.invocations.length,
    CompletedCount: count(command, 'Success', 'Failed', 'Cancelled', 'TimedOut'),
    ErrorCount: count(command, 'Failed', 'TimedOut'),
    DeliveryTimedOutCount: command.invocations.filter(({ statusDetails }) => statusDetails === 'DeliveryTimedOut')
      .length,
    TimeoutSeconds: command.timeoutSeconds,
    CloudWatchOutputConfig: outputConfig(command),
  };
}

const outputConfig = (command: Command) => ({
  CloudWatchLogGroupName: command.logGroup,
  CloudWatchOutputEnabled: command.logGroup !== undefined,
});

/** Times without milliseconds, as SSM gives them, except where they tell a command's duration. */
const iso = (date: Date | undefined) => date?.toISOString() ?? '';

function describeInvocation(command: Command, invocation: Invocation) {
  const { started, ended } = invocation;
  return {
    CommandId: command.id,
    InstanceId: invocation.instanceId,
    Comment: command.comment,
    DocumentName: command.document.name,
    DocumentVersion: command.documentVersion,
    PluginName: command.document.stepName,
    ResponseCode: invocation.responseCode,
    ExecutionStartDateTime: iso(started),
    ExecutionElapsedTime:
      started !== undefined && ended !== undefined ? `PT${(ended.getTime() - started.getTime()) / 1000}S` : '',
    ExecutionEndDateTime: iso(ended),
    Status: invocation.status,
    StatusDetails: invocation.statusDetails,
    StandardOutputContent: sentOutput(invocation.stdoutPath, longestStdout),
    StandardOutputUrl: '',
    StandardErrorContent: sentOutput(invocation.stderrPath, longestStderr),
    StandardErrorUrl: '',
    CloudWatchOutputConfig: outputConfig(command),
  };
}

/** The filters of ListCommands and ListCommandInvocations. */
function matchesFilters(command: Command, status: string, filters: z.output<typeof filter>): boolean {
  return (filters ?? []).every(({ key, value }) => {
    switch (key) {
      case 'InvokedAfter':
        return command.requested >= new Date(value);
      case 'InvokedBefore':
        return command.requested < new Date(value);
      case 'Status':
        return status === value;
      case 'DocumentName':
        return command.document.name === value;
      default:
        throw new AwsError('InvalidFilterKey', `The filter ${key} is not served by the local runtime`);
    }
  });
}

function describeInstance(host: Host, pace: Pace) {
  const longestSilence = pace.milliseconds('pingLost') || connectionLostMilliseconds;
  const lost = !host.agentOnline && Date.now() - host.lastSeen.getTime() > longestSilence;
  return {
    InstanceId: host.facts.instanceId,
    PingStatus: lost ? 'ConnectionLost' : 'Online',
    LastPingDateTime: host.lastSeen,
    AgentVersion: '3.3.0.0',
    IsLatestVersion: true,
    PlatformType: 'Linux',
    PlatformName: 'Local process host',
    PlatformVersion: '1',
    ResourceType: 'EC2Instance',
    IPAddress: host.facts.address,
    ComputerName: host.facts.name,
  };
}

function describeDocument(document: CommandDocument) {
  return {
    Name: document.name,
    Owner: document.account,
    CreatedDate: document.created,
    Status: 'Active',
    DocumentVersion: '1',
    LatestVersion: '1',
    DefaultVersion: '1',
    Description: document.description,
    Parameters: Object.entries(document.parameters).map(([name, { type, description, default: value }]) => ({
      Name: name,
      Type: type,
      Description: description,
      DefaultValue: value,
    })),
    PlatformTypes: document.platforms,
    DocumentType: 'Command',
    SchemaVersion: '2.2',
    DocumentFormat: 'JSON',
  };
}

/** The SSM API over documents, hosts and commands. */
export function ssmService(documents: Documents, hosts: Hosts, commands: Commands, pace: Pace = ownPace): Service {
  const documentVersion = z
    .string()
    .regex(/^(?:\$LATEST|\$DEFAULT|[1-9][0-9]*)$/)
    .default('$DEFAULT');
  return {
    name: 'ssm',
    protocol: 'json',
    operations: {
      SendCommand: operation(
        z.strictObject({
          DocumentName: z.string(),
          DocumentVersion: documentVersion,
          InstanceIds: z
            .array(z.string().regex(/^i-(?:[0-9a-f]{8}|[0-9a-f]{17})$|^mi-[0-9a-f]{17}$/))
            .min(1)
            .max(50),
          Parameters: z.record(z.string(), z.array(z.string())).default({}),
          Comment: z.string().max(100).default(''),
          TimeoutSeconds: z.int().min(30).max(2_592_000).default(3600),
          CloudWatchOutputConfig: z
            .strictObject({
              CloudWatchLogGroupName: z.string().optional(),
              CloudWatchOutputEnabled: z.boolean().default(false),
            })
            .optional(),
        }),
        (input, { region }) => {
          const output = input.CloudWatchOutputConfig;
          const logGroup = output?.CloudWatchLogGroupName ?? `/aws/ssm/${input.DocumentName}`;
          const command = commands.send(
            {
              documentName: input.DocumentName,
              documentVersion: input.DocumentVersion,
              instanceIds: input.InstanceIds,
              parameters: input.Parameters,
              comment: input.Comment,
              timeoutSeconds: input.TimeoutSeconds,
              logGroup: output?.CloudWatchOutputEnabled === true ? logGroup : undefined,
            },
            region,
          );
          return { Command: describeCommand(command) };
        },
      ),
      ListCommands: operation(
        z.strictObject({
          CommandId: z.string().optional(),
          InstanceId: z.string().optional(),
          Filters: filter,
          ...paging,
        }),
        ({ CommandId, InstanceId, Filters, MaxResults, NextToken }, { region }) => {
          const found = commands
            .list(region)
            .filter(({ id }) => CommandId === undefined || id === CommandId)
            .filter(({ instanceIds }) => InstanceId === undefined || instanceIds.includes(InstanceId))
            .filter((command) => matchesFilters(command, commandStatus(command), Filters));
          const { items, nextToken } = page(found, MaxResults, NextToken, 50);
          return { Commands: items.map(describeCommand), NextToken: nextToken };
        },
      ),
      ListCommandInvocations: operation(
        z.strictObject({
          CommandId: z.string().optional(),
          InstanceId: z.string().optional(),
          Filters: filter,
          Details: z.boolean().default(false),
          ...paging,
        }),
        ({ CommandId, InstanceId, Filters, Details, MaxResults, NextToken }, { region }) => {
          const found = commands
            .list(region)
            .filter(({ id }) => CommandId === undefined || id === CommandId)
            .flatMap((command) => command.invocations.map((invocation) => ({ command, invocation })))
            .filter(({ invocation }) => InstanceId === undefined || invocation.instanceId === InstanceId)
            .filter(({ command, invocation }) => matchesFilters(command, invocation.status, Filters));
          const { items, nextToken } = page(found, MaxResults, NextToken, 50);
          return {
            CommandInvocations: items.map(({ command, invocation }) => ({
              CommandId: command.id,
              InstanceId: invocation.instanceId,
              InstanceName: invocation.instanceName,
              Comment: command.comment,
              DocumentName: command.document.name,
              DocumentVersion: command.documentVersion,
              RequestedDateTime: command.requested,
              Status: invocation.status,
              StatusDetails: invocation.statusDetails,
              CommandPlugins: Details
                ? [
                    {
                      Name: command.document.stepName,
                      Status: invocation.status,
                      StatusDetails: invocation.statusDetails,
                      ResponseCode: invocation.responseCode,
                      ResponseStartDateTime: invocation.started,
                      ResponseFinishDateTime: invocation.ended,
                      Output: sentOutput(invocation.stdoutPath, 2_500),
                    },
                  ]
                : [],
            })),
            NextToken: nextToken,
          };
        },
      ),
      GetCommandInvocation: operation(
        z.strictObject({ CommandId: z.string(), InstanceId: z.string(), PluginName: z.string().optional() }),
        ({ CommandId, InstanceId, PluginName }, { region }) => {
          const command = commands.list(region).find(({ id }) => id === CommandId);
          const invocation = command?.invocations.find(({ instanceId }) => instanceId === InstanceId);
          if (command === undefined || invocation === undefined) {
            throw new AwsError('InvocationDoesNotExist', `No invocation of ${CommandId} on ${InstanceId}`);
          }
          if (PluginName !== undefined && PluginName !== command.document.stepName) {
            throw new AwsError('InvalidPluginName', `${PluginName} is not a step of the document`);
          }
          return describeInvocation(command, invocation);
        },
      ),
      CancelCommand: operation(
        z.strictObject({ CommandId: z.string(), InstanceIds: z.array(z.string()).min(1).optional() }),
        ({ CommandId, InstanceIds }, { region }) => {
          commands.cancel(CommandId, InstanceIds, region);
          return {};
        },
      ),
      DescribeInstanceInformation: operation(
        z.strictObject({
          Filters: z.array(z.strictObject({ Key: z.string(), Values: z.array(z.string()) })).optional(),
          InstanceInformationFilterList: z
            .array(z.strictObject({ key: z.string(), valueSet: z.array(z.string()) }))
            .optional(),
          ...paging,
        }),
        ({ Filters, InstanceInformationFilterList, MaxResults, NextToken }, { region }) => {
          const filters = [
            ...(Filters ?? []),
            ...(InstanceInformationFilterList ?? []).map(({ key, valueSet }) => ({ Key: key, Values: valueSet })),
          ];
          const found = hosts
            .list(region)
            .filter((host) => hosts.isManaged(host))
            .map((host) => describeInstance(host, pace))
            .filter((instance) =>
              filters.every(({ Key, Values }) => {
                if (Key === 'InstanceIds') return Values.includes(instance.InstanceId);
                if (Key === 'PingStatus') return Values.includes(instance.PingStatus);
                throw new AwsError('InvalidFilterKey', `The filter ${Key} is not served by the local runtime`);
              }),
            );
          const { items, nextToken } = page(found, MaxResults, NextToken, 50);
          return { InstanceInformationList: items, NextToken: nextToken };
        },
      ),
      DescribeDocument: operation(
        z.strictObject({ Name: z.string(), DocumentVersion: documentVersion }),
        ({ Name, DocumentVersion }, { region }) => ({
          Document: describeDocument(documents.find(Name, region, DocumentVersion)),
        }),
      ),
      GetDocument: operation(
        z.strictObject({
          Name: z.string(),
          DocumentVersion: documentVersion,
          DocumentFormat: z.literal('JSON').optional(),
        }),
        ({ Name, DocumentVersion }, { region }) => {
          const { name, content } = documents.find(Name, region, DocumentVersion);
          return {
            Name: name,
            DocumentVersion: '1',
            Status: 'Active',
            Content: content,
            DocumentType: 'Command',
            DocumentFormat: 'JSON',
          };
        },
      ),
      ListDocuments: operation(
        z.strictObject({
          Filters: z.array(z.strictObject({ Key: z.string(), Values: z.array(z.string()) })).optional(),
          ...paging,
        }),
        ({ Filters, MaxResults, NextToken }, { region }) => {
          const found = documents.list(region).filter((document) =>
            (Filters ?? []).every(({ Key, Values }) => {
              if (Key === 'Owner') return Values.some((owner) => owner === 'Self' || owner === document.account);
              if (Key === 'Name') return Values.some((prefix) => document.name.startsWith(prefix));
              if (Key === 'DocumentType') return Values.includes('Command');
              throw new AwsError('InvalidFilterKey', `The filter ${Key} is not served by the local runtime`);
            }),
          );
          const { items, nextToken } = page(found, MaxResults, NextToken, 50);
          return {
            DocumentIdentifiers: items.map(({ name, account, created }) => ({
              Name: name,
              Owner: account,
              CreatedDate: created,
              PlatformTypes: ['Linux'],
              DocumentVersion: '1',
              DocumentType: 'Command',
              SchemaVersion: '2.2',
              DocumentFormat: 'JSON',
            })),
            NextToken: nextToken,
          };
        },
      ),
    },
  };
}
