/**
 * What each operation of the endpoint asks of IAM: the action, and the ARNs of the resources that its input names.
 * An operation without a line here is refused, whoever calls it. Actions and the kinds of their resources are checked
 * against AWS's service authorization reference, at each call and by a test.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
 */

import { stackId } from '../assembly/resource-types.ts';
import { AwsError, notServed } from '../protocols/aws-error.ts';
import type { Call } from './access-control.ts';

/** Where an operation is called, and what the runtime knows of names in its input. */
export interface Place {
  readonly region: string;
  readonly account: string;
  /** ARN of a secret by its name or ARN; undefined when there is none. */
  readonly secretArn: (id: string) => string | undefined;
  /** ARN of a function by its name or ARN; undefined when there is none. */
  readonly functionArn: (name: string) => string | undefined;
  /** Name of the partition key of a table; undefined when there is no such table. */
  readonly partitionKey: (table: string) => string | undefined;
  /** ARN of the state machine that waits for a task token; undefined when none ever did. */
  readonly machineOfToken: (token: string) => string | undefined;
}

type Input = Readonly<Record<string, unknown>>;

/** The call that an input stands for; undefined for one that needs no permission. */
type Asks = (input: Input, place: Place) => Call | undefined;

/** A member that the resource of the call is made of. */
function text(input: Input, member: string): string {
  const value = input[member];
  if (typeof value !== 'string' || value === '') {
    throw new AwsError('ValidationException', `${member}: must be a string that is not empty`);
  }
  return value;
}

function texts(input: Input, member: string): string[] {
  const value = input[member];
  if (!Array.isArray(value) || value.length === 0 || !value.every((item) => typeof item === 'string')) {
    throw new AwsError('ValidationException', `${member}: must be a list of strings`);
  }
  return value;
}

const arn = ({ region, account }: Place, service: string, resource: string) =>
  `arn:aws:${service}:${region}:${account}:${resource}`;

/** A name as an ARN; an ARN stays what it is. */
const named = (place: Place, service: string, prefix: string, name: string) =>
  name.startsWith('arn:') ? name : arn(place, service, `${prefix}${name}`);

/** An action that knows no resources. */
const onNothing =
  (action: string): Asks =>
  () => ({ action, resources: [] });

/** An action on the resource that a member names by its ARN. */
const onArn =
  (action: string, member: string): Asks =>
  (input) => ({ action, resources: [text(input, member)] });

const document =
  (action: string): Asks =>
  (input, place) => ({ action, resources: [named(place, 'ssm', 'document/', text(input, 'Name'))] });

/** A command needs its document and each of its instances. */
const sendCommand: Asks = (input, place) => ({
  action: 'ssm:SendCommand',
  resources: [
    named(place, 'ssm', 'document/', text(input, 'DocumentName')),
    ...texts(input, 'InstanceIds').map((id) =>
      id.startsWith('mi-') ? arn(place, 'ssm', `managed-instance/${id}`) : arn(place, 'ec2', `instance/${id}`),
    ),
  ],
});

/** A task token names the state machine of its task. One that nobody has ever waited for is the service's to refuse. */
const task =
  (action: string): Asks =>
  (input, { machineOfToken }) => {
    const machine = machineOfToken(text(input, 'taskToken'));
    return machine === undefined ? undefined : { action, resources: [machine] };
  };

/** A secret's ARN ends in six characters that its name does not have. */
const secret =
  (action: string): Asks =>
  (input, place) => {
    const id = text(input, 'SecretId');
    const own = place.secretArn(id) ?? named(place, 'secretsmanager', 'secret:', id);
    return { action, resources: [own], context: { 'secretsmanager:SecretId': own } };
  };

const nameOfTable = (nameOrArn: string) => nameOrArn.replace(/^arn:.*:table\//, '');

/** The value of the partition key in an item or a key, as `dynamodb:LeadingKeys` has it. */
function leadingKey(item: unknown, key: string | undefined): string[] {
  const values = Object.values(((item ?? {}) as Readonly<Record<string, Input>>)[key ?? ''] ?? {});
  return values.filter((value) => typeof value === 'string');
}

/** `dynamodb:LeadingKeys` of a request that names its items; a request that names none has no such key. */
const leadingKeys = (keys: string[]) => (keys.length === 0 ? {} : { context: { 'dynamodb:LeadingKeys': keys } });

/** One item; `member` of the input holds its partition key. */
const item =
  (action: string, member: 'Key' | 'Item'): Asks =>
  (input, place) => {
    const name = text(input, 'TableName');
    return {
      action,
      resources: [named(place, 'dynamodb', 'table/', name)],
      ...leadingKeys(leadingKey(input[member], place.partitionKey(nameOfTable(name)))),
    };
  };

/** A query asks for one partition; its expression takes the value from elsewhere in the input. */
const query: Asks = (input, place) => {
  const name = text(input, 'TableName');
  const own = named(place, 'dynamodb', 'table/', name);
  const key = place.partitionKey(nameOfTable(name));
  const names = (input.ExpressionAttributeNames ?? {}) as Record<string, string>;
  const values = (input.ExpressionAttributeValues ?? {}) as Record<string, unknown>;
  const conditions = String(input.KeyConditionExpression ?? '').matchAll(/([#\w]+)\s*=\s*(:\w+)/g);
  const placeholder = [...conditions].find(([, left = '']) => (names[left] ?? left) === key)?.[2] ?? '';
  return {
    action: 'dynamodb:Query',
    resources: [input.IndexName === undefined ? own : `${own}/index/${text(input, 'IndexName')}`],
    ...leadingKeys(leadingKey(values, placeholder)),
  };
};

const table =
  (action: string): Asks =>
  (input, place) => ({ action, resources: [named(place, 'dynamodb', 'table/', text(input, 'TableName'))] });

/** The items of a batch, which names its table as the key of its requests. */
const batch =
  (action: string, itemsOf: (requests: unknown) => unknown[]): Asks =>
  (input, place) => {
    const [first, ...others] = Object.entries((input.RequestItems ?? {}) as Record<string, unknown>);
    if (first === undefined || others.length > 0) throw notServed('dynamodb', 'a batch that is not of one table');
    const [name, requests] = first;
    const key = place.partitionKey(nameOfTable(name));
    return {
      action,
      resources: [named(place, 'dynamodb', 'table/', name)],
      ...leadingKeys(itemsOf(requests).flatMap((each) => leadingKey(each, key))),
    };
  };

const keysToGet = (requests: unknown) => ((requests as Input | undefined)?.Keys ?? []) as unknown[];

const itemsToWrite = (requests: unknown) =>
  (Array.isArray(requests) ? (requests as Record<string, Input>[]) : []).map(
    ({ PutRequest: put, DeleteRequest: gone }) => put?.Item ?? gone?.Key,
  );

const queue =
  (action: string): Asks =>
  (input, { region }) => {
    const [, account, name] = /\/(\d{12})\/([A-Za-z0-9_-]{1,80})$/.exec(text(input, 'QueueUrl')) ?? [];
    if (name === undefined) throw new AwsError('InvalidAddress', 'The address is not valid for this endpoint.');
    return { action, resources: [`arn:aws:sqs:${region}:${account}:${name}`] };
  };

const lambdaFunction =
  (action: string): Asks =>
  (input, place) => {
    const name = text((input.values ?? {}) as Input, 'FunctionName');
    return { action, resources: [place.functionArn(name) ?? named(place, 'lambda', 'function:', name)] };
  };

const rule =
  (action: string, member: string): Asks =>
  (input, place) => ({ action, resources: [arn(place, 'events', `rule/${text(input, member)}`)] });

/**
 * A log group as IAM is asked about it: with the separator of a stream and no stream.
 *
 * @see https://github.com/vectordotdev/vector/issues/714 (the resources that policies needed, action by action)
 */
const logGroup =
  (action: string): Asks =>
  (input, place) => ({
    action,
    resources: [arn(place, 'logs', `log-group:${text(input, 'logGroupName')}:log-stream:`)],
  });

const logStream =
  (action: string): Asks =>
  (input, place) => ({
    action,
    resources: [
      arn(place, 'logs', `log-group:${text(input, 'logGroupName')}:log-stream:${text(input, 'logStreamName')}`),
    ],
  });

const instances =
  (action: string): Asks =>
  (input, place) => ({
    action,
    resources: texts(input, 'InstanceId').map((id) => arn(place, 'ec2', `instance/${id}`)),
  });

/** The ARN of a stack ends in an id; every stack of the runtime has the same. */
const stack =
  (action: string): Asks =>
  (input, place) => {
    const name = text(input, 'StackName');
    const own = name.startsWith('arn:') ? name : arn(place, 'cloudformation', `stack/${name}/${stackId}`);
    return { action, resources: [own] };
  };

/** By service and operation. */
const operations: Readonly<Record<string, Readonly<Record<string, Asks>>>> = {
  states: {
    ListStateMachines: onNothing('states:ListStateMachines'),
    DescribeStateMachine: onArn('states:DescribeStateMachine', 'stateMachineArn'),
    StartExecution: onArn('states:StartExecution', 'stateMachineArn'),
    DescribeExecution: onArn('states:DescribeExecution', 'executionArn'),
    GetExecutionHistory: onArn('states:GetExecutionHistory', 'executionArn'),
    ListExecutions: onArn('states:ListExecutions', 'stateMachineArn'),
    StopExecution: onArn('states:StopExecution', 'executionArn'),
    SendTaskSuccess: task('states:SendTaskSuccess'),
    SendTaskFailure: task('states:SendTaskFailure'),
    SendTaskHeartbeat: task('states:SendTaskHeartbeat'),
  },
  ssm: {
    SendCommand: sendCommand,
    ListCommands: onNothing('ssm:ListCommands'),
    ListCommandInvocations: onNothing('ssm:ListCommandInvocations'),
    GetCommandInvocation: onNothing('ssm:GetCommandInvocation'),
    CancelCommand: onNothing('ssm:CancelCommand'),
    DescribeInstanceInformation: onNothing('ssm:DescribeInstanceInformation'),
    DescribeDocument: document('ssm:DescribeDocument'),
    GetDocument: document('ssm:GetDocument'),
    ListDocuments: onNothing('ssm:ListDocuments'),
  },
  secretsmanager: {
    GetSecretValue: secret('secretsmanager:GetSecretValue'),
    PutSecretValue: secret('secretsmanager:PutSecretValue'),
    DescribeSecret: secret('secretsmanager:DescribeSecret'),
    ListSecrets: onNothing('secretsmanager:ListSecrets'),
  },
  dynamodb: {
    GetItem: item('dynamodb:GetItem', 'Key'),
    PutItem: item('dynamodb:PutItem', 'Item'),
    UpdateItem: item('dynamodb:UpdateItem', 'Key'),
    DeleteItem: item('dynamodb:DeleteItem', 'Key'),
    Query: query,
    Scan: table('dynamodb:Scan'),
    BatchGetItem: batch('dynamodb:BatchGetItem', keysToGet),
    BatchWriteItem: batch('dynamodb:BatchWriteItem', itemsToWrite),
    DescribeTable: table('dynamodb:DescribeTable'),
    DescribeTimeToLive: table('dynamodb:DescribeTimeToLive'),
    ListTables: onNothing('dynamodb:ListTables'),
    CreateTable: table('dynamodb:CreateTable'),
    UpdateTable: table('dynamodb:UpdateTable'),
    DeleteTable: table('dynamodb:DeleteTable'),
    TagResource: onArn('dynamodb:TagResource', 'ResourceArn'),
    UntagResource: onArn('dynamodb:UntagResource', 'ResourceArn'),
    ListTagsOfResource: onArn('dynamodb:ListTagsOfResource', 'ResourceArn'),
  },
  sns: {
    Publish: onArn('sns:Publish', 'TopicArn'),
    Subscribe: onArn('sns:Subscribe', 'TopicArn'),
    ConfirmSubscription: onArn('sns:ConfirmSubscription', 'TopicArn'),
    Unsubscribe: (input) => ({
      action: 'sns:Unsubscribe',
      // The topic of the subscription.
      resources: [text(input, 'SubscriptionArn').replace(/:[^:]*$/, '')],
    }),
    ListTopics: onNothing('sns:ListTopics'),
    GetTopicAttributes: onArn('sns:GetTopicAttributes', 'TopicArn'),
    ListSubscriptions: onNothing('sns:ListSubscriptions'),
    ListSubscriptionsByTopic: onArn('sns:ListSubscriptionsByTopic', 'TopicArn'),
  },
  sqs: {
    SendMessage: queue('sqs:SendMessage'),
    SendMessageBatch: queue('sqs:SendMessage'),
    ReceiveMessage: queue('sqs:ReceiveMessage'),
    DeleteMessage: queue('sqs:DeleteMessage'),
    DeleteMessageBatch: queue('sqs:DeleteMessage'),
    ChangeMessageVisibility: queue('sqs:ChangeMessageVisibility'),
    GetQueueUrl: (input, place) => ({
      action: 'sqs:GetQueueUrl',
      resources: [arn(place, 'sqs', text(input, 'QueueName'))],
    }),
    GetQueueAttributes: queue('sqs:GetQueueAttributes'),
    ListQueues: onNothing('sqs:ListQueues'),
  },
  lambda: {
    Invoke: lambdaFunction('lambda:InvokeFunction'),
    ListFunctions: onNothing('lambda:ListFunctions'),
    GetFunction: lambdaFunction('lambda:GetFunction'),
    GetFunctionConfiguration: lambdaFunction('lambda:GetFunctionConfiguration'),
  },
  events: {
    PutEvents: (_input, place) => ({
      action: 'events:PutEvents',
      resources: [arn(place, 'events', 'event-bus/default')],
    }),
    ListRules: onNothing('events:ListRules'),
    DescribeRule: rule('events:DescribeRule', 'Name'),
    ListTargetsByRule: rule('events:ListTargetsByRule', 'Rule'),
    EnableRule: rule('events:EnableRule', 'Name'),
    DisableRule: rule('events:DisableRule', 'Name'),
  },
  scheduler: {
    ListSchedules: onNothing('scheduler:ListSchedules'),
    GetSchedule: (input, place) => ({
      action: 'scheduler:GetSchedule',
      resources: [arn(place, 'scheduler', `schedule/default/${text((input.values ?? {}) as Input, 'Name')}`)],
    }),
  },
  logs: {
    DescribeLogGroups: onNothing('logs:DescribeLogGroups'),
    DescribeLogStreams: logGroup('logs:DescribeLogStreams'),
    CreateLogStream: logStream('logs:CreateLogStream'),
    PutLogEvents: logStream('logs:PutLogEvents'),
    GetLogEvents: logStream('logs:GetLogEvents'),
    FilterLogEvents: logGroup('logs:FilterLogEvents'),
  },
  ec2: {
    DescribeInstances: onNothing('ec2:DescribeInstances'),
    DescribeInstanceStatus: onNothing('ec2:DescribeInstanceStatus'),
    StopInstances: instances('ec2:StopInstances'),
    StartInstances: instances('ec2:StartInstances'),
    RebootInstances: instances('ec2:RebootInstances'),
  },
  cloudformation: {
    DescribeStacks: (input, place) =>
      input.StackName === undefined
        ? { action: 'cloudformation:ListStacks', resources: [] }
        : stack('cloudformation:DescribeStacks')(input, place),
    ListStacks: onNothing('cloudformation:ListStacks'),
    DescribeStackResources: stack('cloudformation:DescribeStackResources'),
    ListStackResources: stack('cloudformation:ListStackResources'),
    GetTemplate: stack('cloudformation:GetTemplate'),
  },
  // Nobody needs a permission to ask who he is.
  sts: { GetCallerIdentity: () => undefined },
};

/** Whether the table has a line for an operation. */
export function isListed(service: string, operation: string): boolean {
  const ofService = Object.hasOwn(operations, service) ? operations[service] : undefined;
  return ofService !== undefined && Object.hasOwn(ofService, operation);
}

/** Operations of a service that have a line. */
export function listedOperations(service: string): string[] {
  return Object.keys(operations[service] ?? {});
}

/** What an operation with this input asks of IAM; undefined for one that needs no permission. */
export function callOf(service: string, operation: string, input: unknown, place: Place): Call | undefined {
  const asks = isListed(service, operation) ? operations[service]?.[operation] : undefined;
  if (asks === undefined) throw new Error(`${service}:${operation} has no line in the table of permissions`);
  return asks((typeof input === 'object' && input !== null ? input : {}) as Input, place);
}
