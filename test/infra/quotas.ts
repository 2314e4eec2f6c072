/** Which quotas of an account a cluster takes its share of, counted in its template: the table of docs/deploying.md. */
import { asText, resourcesOf, type Template } from './assembly.ts';

interface Quota {
  readonly what: string;
  /** Its default, for one account and Region unless `what` says otherwise. */
  readonly quota: number;
  /** Where AWS says so. */
  readonly source: string;
  readonly used: (template: Template) => number;
}

const count = (type: string) => (template: Template) => resourcesOf(template, type).length;

/** Characters of a role's inline policies together, spaces not counted. */
const inlinePolicyCharacters = 10_240;

const quotas: readonly Quota[] = [
  {
    what: 'SSM documents',
    quota: 500,
    source: 'https://docs.aws.amazon.com/general/latest/gr/ssm.html',
    used: count('AWS::SSM::Document'),
  },
  {
    what: 'IAM roles, of an account',
    quota: 1000,
    source: 'https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html',
    used: count('AWS::IAM::Role'),
  },
  {
    what: 'characters of inline policies of one role that the hosts of several clusters share',
    quota: inlinePolicyCharacters,
    source: 'https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html',
    used: hostPolicyCharacters,
  },
  {
    what: 'EventBridge rules of a bus (100 in af-south-1 and eu-south-1)',
    quota: 300,
    source: 'https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html',
    used: count('AWS::Events::Rule'),
  },
  {
    what: 'network interfaces of Lambda in a VPC, one for each subnet of the observer',
    quota: 250,
    source: 'https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html',
    used: (template) =>
      resourcesOf(template, 'AWS::Lambda::Function').reduce(
        (sum, [, { Properties }]) =>
          sum + ((Properties.VpcConfig as { SubnetIds?: unknown[] } | undefined)?.SubnetIds?.length ?? 0),
        0,
      ),
  },
  {
    what: 'CloudFormation stacks',
    quota: 2000,
    source: 'https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html',
    used: () => 1,
  },
  {
    what: 'VPC security groups',
    quota: 2500,
    source: 'https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html',
    used: count('AWS::EC2::SecurityGroup'),
  },
  {
    what: 'DynamoDB tables',
    quota: 2500,
    source: 'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html',
    used: count('AWS::DynamoDB::Table'),
  },
  {
    what: 'CloudWatch alarms',
    quota: 5000,
    source: 'https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html',
    used: count('AWS::CloudWatch::Alarm'),
  },
  {
    what: 'Step Functions state machines',
    quota: 10_000,
    source: 'https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html',
    used: count('AWS::StepFunctions::StateMachine'),
  },
];

/**
 * Size of the policy that each cluster puts into the role of its hosts, for the longest name of a cluster and of a
 * Region: with shorter ones more fit.
 */
export function hostPolicyCharacters(template: Template): number {
  const command = asText(template.Outputs.AllowHosts?.Value);
  const [, policy] = /--policy-document '([^']+)'/.exec(command) ?? [];
  if (policy === undefined) throw new Error(`no policy in ${command}`);
  const [name, region] = ['n'.repeat(30), 'ap-southeast-1'];
  const arn = (service: string, resource: string) => `arn:aws:${service}:${region}:123456789012:${resource}`;
  const references: [RegExp, string][] = [
    [/<CredentialsReplication\w*>/g, arn('secretsmanager', `secret:${name}/replication-AbCdEf`)],
    [/<CredentialsMonitoring\w*>/g, arn('secretsmanager', `secret:${name}/monitoring-AbCdEf`)],
    [/<CommandLog\w*\.Arn>/g, arn('logs', `log-group:/${name}/commands:*`)],
  ];
  const resolved = references.reduce((text, [reference, value]) => text.replace(reference, value), policy);
  const left = /<\w[^>]*>/.exec(resolved.replaceAll('<AWS::Partition>', 'aws'));
  if (left !== null) throw new Error(`the policy refers to ${left[0]}, whose length nobody knows here`);
  return resolved.replace(/\s/g, '').length;
}

/** How many clusters fit into the quotas of an account, and which quota says so. */
export function fits(template: Template): { clusters: number; because: string } {
  const perAccount = quotas.filter(({ used }) => used !== hostPolicyCharacters);
  const [tightest] = perAccount.toSorted((a, b) => share(a, template) - share(b, template));
  if (tightest === undefined) throw new Error('no quota');
  return { clusters: share(tightest, template), because: tightest.what };
}

const share = ({ quota, used }: Quota, template: Template): number => Math.floor(quota / used(template));

const number = new Intl.NumberFormat('en-US');

/** The generated part of docs/deploying.md. */
export function quotaTable(template: Template): string {
  const { clusters, because } = fits(template);
  const rows = quotas.map((quota) => {
    const cells = [quota.quota, quota.used(template), share(quota, template)].map((value) => number.format(value));
    return `| [${quota.what}](${quota.source}) | ${cells.join(' | ')} |`;
  });
  return [
    `**${clusters} clusters** fit into one account and Region with the default quotas; ${because} end first. A role that hosts of`,
    `several clusters share takes ${share(quotas.find(({ used }) => used === hostPolicyCharacters) as Quota, template)} of them, if nothing else is in it.`,
    '',
    '| quota | default | a cluster takes | clusters |',
    '|---|---:|---:|---:|',
    ...rows,
  ].join('\n');
}

const [begin, end] = ['<!-- quotas: written by `npm run reference` from the template -->', '<!-- end of quotas -->'];

/** The page with its generated part made anew. */
export function withQuotas(page: string, template: Template): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error('docs/deploying.md has no place for the quotas');
  return `${page.slice(0, from)}${begin}\n\n${quotaTable(template)}\n\n${page.slice(to)}`;
}
