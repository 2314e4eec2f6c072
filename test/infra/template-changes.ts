/**
 * What an update of a stack from one template to another would do to what is there, and which of that it must not do.
 *
 * Which change of which property replaces a resource is AWS's own word: `@aws-cdk/cloudformation-diff` reads it from
 * AWS's resource specification, as `cdk diff` does.
 */
import { fullDiff, ResourceImpact } from '@aws-cdk/cloudformation-diff';
import type { CompactResource, CompactTemplate } from './compact-template.ts';

/** One thing that an update would do. */
export interface Change {
  /** `replace Table AWS::DynamoDB::Table (TableName)`: what people read, and what an accepted change is known by. */
  readonly what: string;
  /** Why it must not happen unseen; undefined if it may. */
  readonly problem?: string;
}

/**
 * What is lost with a resource of each type; null where the update that replaces or removes it loses nothing. A type
 * that is not listed here is a problem until somebody has thought about it.
 */
const lostWith: Readonly<Record<string, string | null>> = {
  'AWS::Chatbot::SlackChannelConfiguration': null,
  'AWS::CloudWatch::Alarm': 'its history, and what users have attached to it',
  'AWS::CloudWatch::Dashboard': null,
  'AWS::DynamoDB::Table': 'the lock, the epoch, and all that the checker remembers',
  'AWS::EC2::SecurityGroup': null,
  'AWS::EC2::SecurityGroupEgress': null,
  'AWS::EC2::SecurityGroupIngress': 'replication between the nodes, until the new rule is there',
  'AWS::Events::Rule': null,
  'AWS::IAM::ManagedPolicy': 'what users have attached it to',
  'AWS::IAM::Policy': null,
  'AWS::IAM::Role': null,
  'AWS::Lambda::EventInvokeConfig': null,
  'AWS::Lambda::EventSourceMapping': null,
  'AWS::Lambda::Function': null,
  'AWS::Lambda::Permission': null,
  'AWS::Logs::LogGroup': 'its log',
  'AWS::SNS::Subscription': 'its confirmation: the subscriber is asked again',
  'AWS::SNS::Topic': 'every subscription, those of users included',
  'AWS::SNS::TopicPolicy': null,
  'AWS::SQS::Queue': null,
  'AWS::SQS::QueuePolicy': null,
  'AWS::SSM::Document': 'commands that are out, and its versions',
  'AWS::Scheduler::Schedule': null,
  'AWS::SecretsManager::Secret': 'the passwords that the databases have',
  'AWS::StepFunctions::StateMachine': 'its executions, those that run included',
};

/**
 * Properties that together are what a resource is to AWS, where that is no name. CloudFormation makes the new resource
 * before it removes the old: AWS takes both for one, and either refuses the new or removes it with the old.
 */
const identities: Readonly<Record<string, readonly string[]>> = {
  'AWS::EC2::SecurityGroupIngress': [
    ...['GroupId', 'IpProtocol', 'FromPort', 'ToPort'],
    ...['SourceSecurityGroupId', 'SourcePrefixListId', 'CidrIp', 'CidrIpv6'],
  ],
  'AWS::EC2::SecurityGroupEgress': [
    ...['GroupId', 'IpProtocol', 'FromPort', 'ToPort'],
    ...['DestinationSecurityGroupId', 'DestinationPrefixListId', 'CidrIp', 'CidrIpv6'],
  ],
  'AWS::IAM::RolePolicy': ['RoleName', 'PolicyName'],
  'AWS::Lambda::EventInvokeConfig': ['FunctionName', 'Qualifier'],
  'AWS::Lambda::EventSourceMapping': ['FunctionName', 'EventSourceArn'],
  'AWS::SNS::Subscription': ['TopicArn', 'Protocol', 'Endpoint'],
  'AWS::SNS::TopicPolicy': ['Topics'],
  'AWS::SQS::QueuePolicy': ['Queues'],
};

/** Everything that an update replaces, may replace or removes, in alphabetical order. */
export function templateChanges(before: CompactTemplate, after: CompactTemplate): Change[] {
  const changes: Change[] = [];
  const unknown = Object.values({ ...before.Resources, ...after.Resources }).filter(({ Type }) => !(Type in lostWith));
  for (const type of new Set(unknown.map(({ Type }) => Type))) {
    changes.push({ what: `use ${type}`, problem: 'say in test/infra/template-changes.ts what is lost with one' });
  }
  fullDiff(structuredClone(before), structuredClone(after)).resources.forEachDifference((id, difference) => {
    const { changeImpact, oldValue, newValue } = difference;
    const [old, next] = [oldValue, newValue] as (CompactResource | undefined)[];
    if (old === undefined) return; // added
    const moved = Object.entries(after.Resources).find(
      ([other, resource]) => other !== id && !(other in before.Resources) && same(old, resource),
    );
    switch (changeImpact) {
      case ResourceImpact.WILL_REPLACE:
      case ResourceImpact.MAY_REPLACE: {
        if (next === undefined || old.Type !== next.Type) {
          const why = 'CloudFormation refuses to make another type of resource of one';
          changes.push(problem(`turn ${id} ${old.Type} into ${next?.Type}`, why));
          return;
        }
        const causes = Object.entries(difference.propertyUpdates)
          .filter(([name, update]) => replaces(update.changeImpact) && !madeInPlace(old, next, name))
          .map(([name]) => name);
        if (causes.length === 0) return;
        const what = `replace ${id} ${old.Type} (${causes.join(', ')})`;
        changes.push(problem(what, clash(old, next) ?? loss(old)));
        return;
      }
      case ResourceImpact.WILL_DESTROY:
      case ResourceImpact.WILL_ORPHAN: {
        const verb = changeImpact === ResourceImpact.WILL_ORPHAN ? 'leave behind' : 'remove';
        const what = `${verb} ${id} ${old.Type}`;
        const twin =
          moved === undefined ? undefined : `${moved[0]} is the same to AWS and is made before this one goes`;
        const name = fixedNames(old)[0];
        changes.push(problem(what, twin ?? loss(old) ?? (name && `its name is fixed and may be used: ${name}`)));
        return;
      }
      default:
        return;
    }
  });
  return changes.sort((a, b) => a.what.localeCompare(b.what));
}

/**
 * A change that replaces only under another property, which the specification cannot say: a document gets a new version
 * instead (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ssm-document.html).
 */
function madeInPlace(old: CompactResource, next: CompactResource, property: string): boolean {
  const versions = [old, next].every((each) => each.Properties.UpdateMethod === 'NewVersion');
  return old.Type === 'AWS::SSM::Document' && property === 'Content' && versions;
}

const replaces = (impact: ResourceImpact | undefined): boolean =>
  impact === ResourceImpact.WILL_REPLACE || impact === ResourceImpact.MAY_REPLACE;

const problem = (what: string, why: string | null | undefined): Change => (why ? { what, problem: why } : { what });

function loss({ Type }: CompactResource): string | undefined {
  const lost = lostWith[Type];
  return lost ? `lost with it: ${lost}` : undefined;
}

/** Why the new one cannot be made while the old one is there. */
function clash(old: CompactResource, next: CompactResource): string | undefined {
  const names = fixedNames(next);
  const kept = fixedNames(old).find((name) => names.includes(name));
  if (kept !== undefined) return `CloudFormation refuses to replace what has a fixed name: ${kept}`;
  return same(old, next) ? 'to AWS the new one is the same, and is made before the old one goes' : undefined;
}

/** Whether AWS takes both for the same. */
function same(one: CompactResource, other: CompactResource): boolean {
  if (one.Type !== other.Type) return false;
  const names = fixedNames(other);
  if (fixedNames(one).some((name) => names.includes(name))) return true;
  const identity = identities[one.Type];
  if (identity === undefined) return false;
  const values = ({ Properties }: CompactResource) => JSON.stringify(identity.map((name) => Properties[name] ?? null));
  return values(one) === values(other);
}

/**
 * Names that the template gives a resource for life: texts whose change would replace it. CloudFormation makes up the
 * others, and a reference is the name of something else.
 */
function fixedNames(resource: CompactResource): string[] {
  return Object.entries(resource.Properties).flatMap(([property, value]) => {
    if (!/Name$/.test(property) || typeof value !== 'string') return [];
    const renamed = { ...resource, Properties: { ...resource.Properties, [property]: `${value}-renamed` } };
    const { resources } = fullDiff({ Resources: { It: resource } }, { Resources: { It: renamed } });
    return replaces(resources.get('It').changeImpact) ? [`${property} ${value}`] : [];
  });
}
