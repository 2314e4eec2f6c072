/**
 * The CloudFormation resource types that the runtime knows: what their `Ref` and attributes are, and whether it
 * does something with them. A type that is not listed is refused when the assembly is loaded.
 */
import { createHash } from 'node:crypto';

/** The stack around a resource. */
export interface StackFacts {
  readonly name: string;
  readonly id: string;
  readonly account: string;
  readonly region: string;
}

/** Ends the ARN of every stack, where AWS has an id of each stack's own. */
export const stackId = '00000000-0000-0000-0000-000000000000';

/** Resolved properties of a resource. */
export type Properties = Readonly<Record<string, unknown>>;

/** What a resource is called. */
export interface Identity {
  /** Value of `Ref`, and the physical id that CloudFormation shows. */
  readonly ref: string;
  readonly attributes: Readonly<Record<string, string>>;
}

interface ResourceType {
  /** `served`: the runtime does what AWS does; `inert`: it exists by name only. */
  readonly kind: 'served' | 'inert';
  identify(logicalId: string, properties: Properties, stack: StackFacts): Identity;
}

/** A short stable suffix, where AWS puts a random one. */
function suffix(seed: string, length: number): string {
  return createHash('sha256').update(seed).digest('hex').slice(0, length);
}

const arn = (stack: StackFacts, service: string, resource: string) =>
  `arn:aws:${service}:${stack.region}:${stack.account}:${resource}`;

/** The name property of a resource, or the name that CloudFormation would make up. */
function named(property: string) {
  return (logicalId: string, properties: Properties, stack: StackFacts): string => {
    const name = properties[property];
    if (name === undefined) return `${stack.name}-${logicalId}-${suffix(stack.id + logicalId, 12).toUpperCase()}`;
    if (typeof name !== 'string') throw new Error(`${property} must be a string`);
    return name;
  };
}

/** A type whose Ref is its name and whose Arn is made from that. */
function byName(
  kind: ResourceType['kind'],
  property: string,
  toArn: (name: string, stack: StackFacts) => string,
  more: (name: string, arn: string) => Record<string, string> = () => ({}),
): ResourceType {
  const nameOf = named(property);
  return {
    kind,
    identify(logicalId, properties, stack) {
      const name = nameOf(logicalId, properties, stack);
      const ownArn = toArn(name, stack);
      return { ref: name, attributes: { Arn: ownArn, ...more(name, ownArn) } };
    },
  };
}

/** A type whose Ref is its ARN. */
function byArn(
  kind: ResourceType['kind'],
  property: string,
  toArn: (name: string, stack: StackFacts) => string,
  more: (name: string, arn: string) => Record<string, string> = () => ({}),
): ResourceType {
  const nameOf = named(property);
  return {
    kind,
    identify(logicalId, properties, stack) {
      const name = nameOf(logicalId, properties, stack);
      const ownArn = toArn(name, stack);
      return { ref: ownArn, attributes: { Arn: ownArn, ...more(name, ownArn) } };
    },
  };
}

/** A type that nothing refers to by more than its Ref. */
const nameless: ResourceType = {
  kind: 'inert',
  identify: (logicalId, _properties, stack) => ({
    ref: `${stack.name}-${logicalId}-${suffix(stack.id + logicalId, 12).toUpperCase()}`,
    attributes: { Id: suffix(stack.id + logicalId, 17) },
  }),
};

const iam = (kind: string) => (name: string, stack: StackFacts) => `arn:aws:iam::${stack.account}:${kind}/${name}`;

const types: Readonly<Record<string, ResourceType>> = {
  'AWS::Lambda::Function': byName('served', 'FunctionName', (name, stack) => arn(stack, 'lambda', `function:${name}`)),
  'AWS::StepFunctions::StateMachine': byArn(
    'served',
    'StateMachineName',
    (name, stack) => arn(stack, 'states', `stateMachine:${name}`),
    (name) => ({ Name: name }),
  ),
  'AWS::SSM::Document': byName('served', 'Name', (name, stack) => arn(stack, 'ssm', `document/${name}`)),
  'AWS::SecretsManager::Secret': byArn(
    'served',
    'Name',
    (name, stack) => arn(stack, 'secretsmanager', `secret:${name}-${suffix(stack.id + name, 6)}`),
    (_name, own) => ({ Id: own }),
  ),
  'AWS::DynamoDB::Table': byName('served', 'TableName', (name, stack) => arn(stack, 'dynamodb', `table/${name}`)),
  'AWS::DynamoDB::GlobalTable': byName('served', 'TableName', (name, stack) => arn(stack, 'dynamodb', `table/${name}`)),
  'AWS::SNS::Topic': byArn(
    'served',
    'TopicName',
    (name, stack) => arn(stack, 'sns', name),
    (name, own) => ({ TopicName: name, TopicArn: own }),
  ),
  'AWS::SNS::Subscription': {
    kind: 'served',
    identify: (logicalId, properties, stack) => {
      const id = suffix(stack.id + logicalId, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
      const ref = `${properties.TopicArn}:${id}`;
      return { ref, attributes: { Arn: ref } };
    },
  },
  'AWS::Events::Rule': byName('served', 'Name', (name, stack) => arn(stack, 'events', `rule/${name}`)),
  'AWS::Scheduler::Schedule': byName('served', 'Name', (name, stack) =>
    arn(stack, 'scheduler', `schedule/default/${name}`),
  ),
  'AWS::Logs::LogGroup': byName('served', 'LogGroupName', (name, stack) => arn(stack, 'logs', `log-group:${name}:*`)),
  'AWS::SQS::Queue': {
    kind: 'served',
    identify: (logicalId, properties, stack) => {
      const name = named('QueueName')(logicalId, properties, stack);
      const url = `https://sqs.${stack.region}.amazonaws.com/${stack.account}/${name}`;
      return { ref: url, attributes: { Arn: arn(stack, 'sqs', name), QueueName: name, QueueUrl: url } };
    },
  },
  'AWS::Lambda::EventSourceMapping': { ...nameless, kind: 'served' },
  'AWS::Lambda::EventInvokeConfig': { ...nameless, kind: 'served' },

  // Who may do what: local/access reads them. Of network and keys, what follows, the names alone count.
  'AWS::Lambda::Permission': { ...nameless, kind: 'served' },
  'AWS::SNS::TopicPolicy': { ...nameless, kind: 'served' },
  'AWS::SQS::QueuePolicy': { ...nameless, kind: 'served' },
  'AWS::SecretsManager::ResourcePolicy': { ...nameless, kind: 'served' },
  'AWS::Logs::ResourcePolicy': nameless,
  'AWS::IAM::Policy': { ...nameless, kind: 'served' },
  'AWS::IAM::RolePolicy': { ...nameless, kind: 'served' },
  'AWS::IAM::Role': byName('served', 'RoleName', iam('role'), (name) => ({
    RoleId: `AROA${suffix(name, 16).toUpperCase()}`,
  })),
  'AWS::IAM::InstanceProfile': byName('inert', 'InstanceProfileName', iam('instance-profile')),
  'AWS::IAM::ManagedPolicy': byArn('served', 'ManagedPolicyName', iam('policy'), (_name, own) => ({ PolicyArn: own })),
  'AWS::EC2::SecurityGroup': {
    kind: 'inert',
    identify: (logicalId, properties, stack) => {
      const ref = `sg-${suffix(stack.id + logicalId, 17)}`;
      return { ref, attributes: { GroupId: ref, VpcId: String(properties.VpcId ?? '') } };
    },
  },
  'AWS::EC2::SecurityGroupIngress': nameless,
  'AWS::EC2::SecurityGroupEgress': nameless,
  'AWS::KMS::Key': {
    kind: 'inert',
    identify: (logicalId, _properties, stack) => {
      const ref = suffix(stack.id + logicalId, 32);
      return { ref, attributes: { Arn: arn(stack, 'kms', `key/${ref}`), KeyId: ref } };
    },
  },
  'AWS::KMS::Alias': nameless,
  'AWS::CloudWatch::Alarm': byName('inert', 'AlarmName', (name, stack) => arn(stack, 'cloudwatch', `alarm:${name}`)),
  'AWS::CloudWatch::CompositeAlarm': byName('inert', 'AlarmName', (name, stack) =>
    arn(stack, 'cloudwatch', `alarm:${name}`),
  ),
  // Its custom widgets are shown on a page; no other widget is.
  'AWS::CloudWatch::Dashboard': byName(
    'served',
    'DashboardName',
    (name, stack) => `arn:aws:cloudwatch::${stack.account}:dashboard/${name}`,
  ),
  'AWS::Logs::MetricFilter': nameless,
  'AWS::Logs::QueryDefinition': nameless,
  'AWS::Chatbot::SlackChannelConfiguration': byArn(
    'inert',
    'ConfigurationName',
    (name, stack) => `arn:aws:chatbot::${stack.account}:chat-configuration/slack-channel/${name}`,
  ),
  'AWS::Scheduler::ScheduleGroup': byName('inert', 'Name', (name, stack) =>
    arn(stack, 'scheduler', `schedule-group/${name}`),
  ),
  'AWS::CDK::Metadata': nameless,
};

/** The type of a resource; undefined when the runtime does not know it. */
export function resourceType(name: string): ResourceType | undefined {
  return Object.hasOwn(types, name) ? types[name] : undefined;
}
