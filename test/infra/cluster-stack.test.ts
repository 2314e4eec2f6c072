/** What a user or a security reviewer would look for in the templates. */
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../lambdas/contract/cluster-config.ts';
import { clusterMetrics, metricNamespace, nodeMetrics } from '../../lambdas/contract/metrics.ts';
import { runbookNames } from '../../lambdas/contract/names.ts';
import { nodeCommandNames } from '../../lambdas/contract/node-commands.ts';
import { planTicks } from '../../lambdas/domain/ticks.ts';
import { asText, readAssembly, resourcesOf } from './assembly.ts';
import { everyOption, example } from './clusters.ts';
import { all, exampleStacks, stackOf, templateOf } from './example-stacks.ts';
import { functionsThat } from './permissions.ts';
import { synthesize } from './synthesize.ts';

describe.each(exampleStacks)('the stack of $cluster.name', ({ cluster, account, ports, nodesGroup }) => {
  const template = templateOf(cluster);
  const { region } = cluster.network;

  describe('network', () => {
    it('puts the observer, and nothing else, into the VPC', () => {
      const inVpc = all(template, 'AWS::Lambda::Function').filter(({ VpcConfig }) => VpcConfig !== undefined);
      expect(inVpc.map(({ FunctionName }) => FunctionName)).toEqual([`${cluster.name}-observe-cluster`]);
      expect(inVpc[0]?.VpcConfig).toMatchObject({
        SubnetIds: cluster.network.observerSubnets.map(({ subnetId }) => subnetId),
      });
    });

    it('lets nobody but the nodes and the observer reach PostgreSQL, on its ports alone', () => {
      const [[observerGroup] = []] = resourcesOf(template, 'AWS::EC2::SecurityGroup');
      const rules = all(template, 'AWS::EC2::SecurityGroupIngress').map((rule) => [
        rule.GroupId,
        rule.FromPort,
        rule.ToPort,
        rule.IpProtocol,
        typeof rule.SourceSecurityGroupId === 'string'
          ? rule.SourceSecurityGroupId
          : asText(rule.SourceSecurityGroupId),
      ]);
      const expected = ports.flatMap((port) => [
        [nodesGroup, port, port, 'tcp', nodesGroup],
        [nodesGroup, port, port, 'tcp', `<${observerGroup}.GroupId>`],
      ]);
      expect(rules.sort()).toEqual(expected.sort());
    });

    it('lets the observer reach nothing but PostgreSQL on the nodes, and nobody reach the observer', () => {
      const [group] = all(template, 'AWS::EC2::SecurityGroup');
      expect(group).not.toHaveProperty('SecurityGroupIngress');
      const egress = all(template, 'AWS::EC2::SecurityGroupEgress');
      expect(egress.map(({ DestinationSecurityGroupId }) => DestinationSecurityGroupId)).toEqual(
        ports.map(() => nodesGroup),
      );
      expect(egress.map(({ FromPort }) => FromPort).sort()).toEqual(ports);
      // What is left when the CDK is told to allow nothing: an address that does not exist.
      expect(group?.SecurityGroupEgress ?? []).toEqual(
        group?.SecurityGroupEgress === undefined ? [] : [expect.objectContaining({ CidrIp: '255.255.255.255/32' })],
      );
    });
  });

  describe('functions', () => {
    it('are told what they need and no more', () => {
      const environments = all(template, 'AWS::Lambda::Function').map(({ FunctionName, Environment }) => [
        (FunctionName as string).slice(cluster.name.length + 1),
        Object.keys((Environment as { Variables: object } | undefined)?.Variables ?? {}).sort(),
      ]);
      expect(Object.fromEntries(environments)).toEqual({
        'acquire-lock': ['STATE_TABLE'],
        'announce-runbook': ['RUNBOOK_ARN_PREFIX', 'TOPIC_ARN'],
        'ask-for-rebuild': ['RUNBOOK_ARN_PREFIX', 'TOPIC_ARN'],
        'check-cluster': [
          'MONITORING_SECRET_ID',
          'OBSERVER_FUNCTION',
          'RUNBOOK_ARN_PREFIX',
          'STATE_TABLE',
          'TOPIC_ARN',
        ],
        'choose-candidate': ['RUNBOOK_ARN_PREFIX'],
        'complete-node-command': ['STATE_TABLE'],
        'dashboard-widget': ['MONITORING_SECRET_ID', 'OBSERVER_FUNCTION', 'RUNBOOK_ARN_PREFIX', 'STATE_TABLE'],
        'fence-instance': [],
        'find-primary': ['MONITORING_SECRET_ID', 'OBSERVER_FUNCTION'],
        'observe-cluster': [],
        'plan-allow-async': ['MONITORING_SECRET_ID', 'OBSERVER_FUNCTION', 'STATE_TABLE'],
        'plan-failover': ['MONITORING_SECRET_ID', 'OBSERVER_FUNCTION', 'RUNBOOK_ARN_PREFIX', 'STATE_TABLE'],
        'plan-fencing': [],
        'plan-rejoin': [],
        'plan-resume-sync': ['MONITORING_SECRET_ID', 'OBSERVER_FUNCTION', 'STATE_TABLE'],
        'plan-setup': [],
        'plan-switchover': ['MONITORING_SECRET_ID', 'OBSERVER_FUNCTION', 'STATE_TABLE'],
        'record-allowance': ['STATE_TABLE'],
        'release-lock': ['STATE_TABLE'],
        'report-promotion': [],
        'run-node-command': ['STATE_TABLE'],
        'schedule-checks': ['CHECKS_QUEUE_URL'],
        'set-maintenance': ['MONITORING_SECRET_ID', 'OBSERVER_FUNCTION', 'STATE_TABLE', 'TOPIC_ARN'],
        'sweep-node-commands': ['STATE_TABLE'],
        'verify-rejoin': ['MONITORING_SECRET_ID', 'OBSERVER_FUNCTION'],
        'verify-replication': ['MONITORING_SECRET_ID', 'OBSERVER_FUNCTION'],
      });
    });

    it('run on arm64 and the current Node.js, each with a role and a log of its own', () => {
      const functions = all(template, 'AWS::Lambda::Function');
      for (const properties of functions) {
        expect(properties).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'], Handler: 'index.handler' });
      }
      expect(new Set(functions.map(({ Role }) => JSON.stringify(Role))).size).toBe(functions.length);
      expect(new Set(functions.map(({ LoggingConfig }) => JSON.stringify(LoggingConfig))).size).toBe(functions.length);
    });

    it('never get a managed policy, whose contents AWS may widen', () => {
      for (const role of all(template, 'AWS::IAM::Role')) expect(role).not.toHaveProperty('ManagedPolicyArns');
    });
  });

  it('generates both passwords, and leaves their names free when the stack goes', () => {
    const secrets = resourcesOf(template, 'AWS::SecretsManager::Secret').map(([, secret]) => secret);
    expect(secrets.map(({ Properties: { Name, GenerateSecretString } }) => [Name, GenerateSecretString])).toEqual([
      [`${cluster.name}/replication`, generated(cluster.replication.user)],
      [`${cluster.name}/monitoring`, generated(cluster.monitoring.user)],
    ]);
    for (const { DeletionPolicy, UpdateReplacePolicy } of secrets) {
      expect([DeletionPolicy, UpdateReplacePolicy]).toEqual(['Delete', 'Retain']);
    }
  });

  it('leaves nothing behind whose name would block the next deployment', () => {
    const kept = Object.entries(template.Resources).filter(
      ([, { DeletionPolicy }]) => !/^Delete$/.test(DeletionPolicy ?? 'Delete'),
    );
    expect(kept.map(([id]) => id)).toEqual([]);
    // Lambda would make a log group anew for a function that still runs while its group is deleted.
    expect(
      functionsThat(template, ({ effect, actions }) => effect === 'Allow' && actions.includes('logs:CreateLogGroup')),
    ).toEqual([]);
  });

  it('has one document per node command, small enough for SSM', () => {
    const documents = all(template, 'AWS::SSM::Document');
    expect(documents.map(({ Name }) => Name)).toEqual(nodeCommandNames.map((command) => `${cluster.name}-${command}`));
    for (const { Content, DocumentType, TargetType, UpdateMethod } of documents) {
      expect([DocumentType, TargetType, UpdateMethod]).toEqual(['Command', '/AWS::EC2::Instance', 'NewVersion']);
      expect(JSON.stringify(Content).length).toBeLessThan(64 * 1024);
    }
  });

  it('completes commands by event, gives the lock of a failed or stopped runbook back and tells of it, sweeps, and checks', () => {
    const rules = all(template, 'AWS::Events::Rule').map(({ EventPattern, Targets }) => [
      EventPattern,
      (Targets as { Arn: unknown }[]).map(({ Arn }) => asText(Arn).replace(/[0-9A-F]{8}\.Arn/, '')),
    ]);
    expect(rules).toEqual([
      [
        {
          source: ['aws.ssm'],
          'detail-type': ['EC2 Command Invocation Status-change Notification'],
          detail: {
            'document-name': nodeCommandNames.map((command) => `${cluster.name}-${command}`),
            status: ['Success', 'Failed', 'TimedOut', 'Cancelled'],
          },
        },
        ['<Functionscompletenodecommand>'],
      ],
      [
        {
          source: ['aws.ec2'],
          'detail-type': ['EC2 Instance State-change Notification'],
          detail: {
            'instance-id': cluster.nodes.map(({ instanceId }) => instanceId),
            state: ['stopping', 'stopped', 'shutting-down', 'terminated'],
          },
        },
        ['<Functionssweepnodecommands>'],
      ],
      [
        {
          source: ['aws.states'],
          'detail-type': ['Step Functions Execution Status Change'],
          detail: {
            stateMachineArn: runbookNames.map(() => expect.anything()),
            status: ['FAILED', 'TIMED_OUT', 'ABORTED'],
          },
        },
        ['<Functionsreleaselock>', '<Functionsannouncerunbook>'],
      ],
      [
        {
          source: ['aws.ec2'],
          'detail-type': ['EC2 Instance State-change Notification'],
          detail: { 'instance-id': cluster.nodes.map(({ instanceId }) => instanceId) },
        },
        ['<Functionscheckcluster>'],
      ],
    ]);
    const schedules = all(template, 'AWS::Scheduler::Schedule').map(({ ScheduleExpression, State, Target }) => [
      ScheduleExpression,
      State,
      asText((Target as { Arn: unknown }).Arn),
    ]);
    expect(schedules).toEqual([
      ['rate(1 minute)', 'ENABLED', expect.stringMatching(/^<Functionssweepnodecommands/)],
      ['rate(1 minute)', 'ENABLED', expect.stringMatching(/^<Functionsschedulechecks/)],
    ]);
  });

  it('calls the runbooks by the names that operators start it by', () => {
    expect(all(template, 'AWS::StepFunctions::StateMachine').map(({ StateMachineName }) => StateMachineName)).toEqual([
      ...runbookNames.map((name) => `${cluster.name}-${name}`),
    ]);
  });

  it('keeps its state in a table that charges by use and can be restored', () => {
    expect(all(template, 'AWS::DynamoDB::Table')).toEqual([
      expect.objectContaining({
        TableName: `${cluster.name}-state`,
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      }),
    ]);
  });

  it('keeps every log for three months and none for ever', () => {
    const groups = all(template, 'AWS::Logs::LogGroup');
    expect(groups.map(({ RetentionInDays }) => RetentionInDays)).toEqual(groups.map(() => 90));
    expect(groups.map(({ LogGroupName }) => LogGroupName)).toEqual(
      expect.arrayContaining([
        `/${cluster.name}/commands`,
        ...runbookNames.map((name) => `/aws/vendedlogs/states/${cluster.name}-${name}`),
      ]),
    );
  });

  it('refuses alerts that are published in the clear, and lets its own alarms publish', () => {
    const [deny, allow] = all(template, 'AWS::SNS::TopicPolicy').flatMap(
      ({ PolicyDocument }) => (PolicyDocument as { Statement: Record<string, unknown>[] }).Statement,
    );
    expect(deny).toMatchObject({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } });
    expect(allow).toMatchObject({
      Effect: 'Allow',
      Principal: { Service: 'cloudwatch.amazonaws.com' },
      Action: 'sns:Publish',
    });
    const condition = allow?.Condition as {
      ArnEquals: { 'aws:SourceArn': unknown[] };
      StringEquals: { 'aws:SourceAccount': unknown };
    };
    const sources = condition.ArnEquals['aws:SourceArn'].map(asText);
    expect(sources).toEqual([
      expect.stringMatching(/^<Alarmscheckerstopped\w+\.Arn>$/),
      expect.stringMatching(/^<Alarmscheckerfailing\w+\.Arn>$/),
    ]);
    expect(asText(condition.StringEquals['aws:SourceAccount'])).toBe(account);
  });

  describe('checking', () => {
    it('keeps a check that is due, drops one that is late, and repeats none', () => {
      const [queue] = all(template, 'AWS::SQS::Queue');
      expect(queue).toMatchObject({ QueueName: `${cluster.name}-checks`, SqsManagedSseEnabled: true });
      const { MessageRetentionPeriod: retention, VisibilityTimeout: hidden } = queue as Record<string, number>;
      // The longest delay, at the longest interval, and a minute to be late.
      const { delays } = planTicks(5, new Date(), 0);
      expect(retention).toBeGreaterThanOrEqual(Math.max(...delays) + 60);
      expect(hidden).toBeGreaterThanOrEqual(retention ?? 0);
      const [checker] = all(template, 'AWS::Lambda::Function').filter(
        ({ FunctionName }) => FunctionName === `${cluster.name}-check-cluster`,
      );
      expect(hidden).toBeGreaterThanOrEqual(6 * (checker?.Timeout as number));
    });

    it('takes messages in the clear from nobody', () => {
      expect(all(template, 'AWS::SQS::QueuePolicy').map(({ PolicyDocument }) => PolicyDocument)).toEqual([
        expect.objectContaining({
          Statement: [
            expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
          ],
        }),
      ]);
    });

    it('starts one check per message, polling no more than it must', () => {
      expect(all(template, 'AWS::Lambda::EventSourceMapping')).toEqual([
        {
          BatchSize: 1,
          EventSourceArn: expect.anything(),
          FunctionName: { Ref: expect.stringMatching(/^Functionscheckcluster/) },
        },
      ]);
    });

    it('logs no start and end of what runs every few seconds, and has Lambda repeat none of it', () => {
      const quiet = all(template, 'AWS::Lambda::Function').filter(
        ({ LoggingConfig }) => (LoggingConfig as { SystemLogLevel?: string }).SystemLogLevel === 'WARN',
      );
      expect(quiet.map(({ FunctionName }) => FunctionName).sort()).toEqual(
        ['check-cluster', 'observe-cluster', 'schedule-checks'].map((name) => `${cluster.name}-${name}`),
      );
      const retries = all(template, 'AWS::Lambda::EventInvokeConfig').map(({ FunctionName, MaximumRetryAttempts }) => [
        (FunctionName as { Ref: string }).Ref.replace(/[0-9A-F]{8}$/, ''),
        MaximumRetryAttempts,
      ]);
      expect(retries.sort()).toEqual([
        ['Functionscheckcluster', 0],
        ['Functionsschedulechecks', 0],
      ]);
    });
  });

  describe('alarms', () => {
    const alarms = new Map(all(template, 'AWS::CloudWatch::Alarm').map((alarm) => [alarm.AlarmName, alarm]));
    const alarm = (name: string) => alarms.get(`${cluster.name}-${name}`);

    it('are these', () => {
      expect([...alarms.keys()]).toEqual(
        ['checker-stopped', 'checker-failing', 'status'].map((name) => `${cluster.name}-${name}`),
      );
    });

    it('fire when no check comes: missing data is the fault', () => {
      expect(alarm('checker-stopped')).toMatchObject({
        Namespace: metricNamespace,
        MetricName: 'CheckSeconds',
        Dimensions: [{ Name: 'Cluster', Value: cluster.name }],
        Statistic: 'SampleCount',
        ComparisonOperator: 'LessThanThreshold',
        Threshold: 1,
        TreatMissingData: 'breaching',
      });
    });

    it('fire when checks fail repeatedly, and never for want of data', () => {
      expect(alarm('checker-failing')).toMatchObject({
        DatapointsToAlarm: 3,
        EvaluationPeriods: 5,
        TreatMissingData: 'notBreaching',
      });
      expect(alarm('status')).toMatchObject({ Threshold: 3, TreatMissingData: 'ignore' });
    });

    it('tell the subscribers about the checker, begin and end; about the cluster the checker tells', () => {
      const topic = [{ Ref: expect.stringMatching(/^AlertsTopic/) }];
      for (const name of ['checker-stopped', 'checker-failing']) {
        expect(alarm(name)).toMatchObject({ AlarmActions: topic, OKActions: topic });
      }
      expect(alarm('status')).not.toHaveProperty('AlarmActions');
      expect(alarm('status')).not.toHaveProperty('OKActions');
    });

    it('say what they mean and where to look', () => {
      for (const { AlarmDescription } of alarms.values()) {
        expect(AlarmDescription).toContain(cluster.name);
        expect(AlarmDescription).toContain(`https://${region}.console.aws.amazon.com/cloudwatch/home`);
        // What CloudWatch takes.
        expect((AlarmDescription as string).length).toBeLessThan(1024);
      }
    });
  });

  it('shows every metric, the alarms and the way to the runbooks on one page that fits its columns', () => {
    const pages = all(template, 'AWS::CloudWatch::Dashboard');
    expect(pages.map(({ DashboardName }) => DashboardName)).toEqual([cluster.name]);
    const body = asText(pages[0]?.DashboardBody);
    for (const metric of [...clusterMetrics, ...nodeMetrics]) expect(body).toContain(`"${metric}"`);
    for (const { name } of cluster.nodes) expect(body).toContain(`"Node","${name}"`);
    expect(body).toMatch(/#\/statemachines\/view\/<RunbooksSetupRunbook/);
    const { widgets } = JSON.parse(body) as {
      widgets: { type: string; x: number; width: number; properties: object }[];
    };
    expect(widgets.map(({ type }) => type)).toEqual(['text', 'custom', 'alarm', ...Array(8).fill('metric')]);
    const [custom] = widgets.filter(({ type }) => type === 'custom');
    expect(custom?.properties).toMatchObject({
      endpoint: expect.stringMatching(/^<Functionsdashboardwidget\w+\.Arn>$/),
      updateOn: { refresh: true, resize: true, timeRange: false },
    });
    for (const { x, width } of widgets) expect(x + width).toBeLessThanOrEqual(24);
  });

  it('deploys with what cdk bootstrap makes, in the account and region of the file', () => {
    const stack = stackOf(cluster);
    expect([stack.region, stack.account]).toEqual([region, cluster.network.account]);
    expect(JSON.stringify(template).length).toBeLessThan(1_000_000);
  });
});

function generated(username: string): object {
  return {
    SecretStringTemplate: JSON.stringify({ username }),
    GenerateStringKey: 'password',
    PasswordLength: 32,
    ExcludePunctuation: true,
  };
}

describe('outputs', () => {
  const outputs = (cluster: Cluster) =>
    Object.fromEntries(Object.entries(templateOf(cluster).Outputs).map(([key, { Value }]) => [key, asText(Value)]));

  it('tell the operator where to go and what to type', () => {
    expect(outputs(example)).toMatchObject({
      SetupRunbook: expect.stringMatching(
        /^https:\/\/us-east-1\.console\.aws\.amazon\.com\/states\/home\?region=us-east-1#\/statemachines\/view\/<RunbooksSetup/,
      ),
      StartSetup: expect.stringMatching(
        /^aws stepfunctions start-execution --region us-east-1 --state-machine-arn <RunbooksSetup/,
      ),
      Dashboard:
        'https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#dashboards/dashboard/pg-sync',
      AlertsTopicArn: expect.stringMatching(/^<AlertsTopic/),
      ConnectionString:
        'postgresql://192.168.168.133:5432,192.168.168.134:5432,192.168.168.135:5432/postgres?target_session_attrs=read-write',
    });
  });

  it('give each node its own port', () => {
    expect(outputs(everyOption).ConnectionString).toBe(
      'postgresql://10.1.0.10:6432,10.1.1.10:6432,10.1.2.10:6432,10.1.3.10:6432,10.1.4.10:7432/postgres?target_session_attrs=read-write',
    );
  });
});

/** Statements of the policy that the hosts get. */
function hostStatements(cluster: Cluster): Record<string, unknown>[] {
  const [policy] = all(templateOf(cluster), 'AWS::IAM::Policy').filter(({ PolicyName }) =>
    /-host-/.test(`${PolicyName}`),
  );
  if (policy === undefined) throw new Error('no policy for the hosts');
  return (policy.PolicyDocument as { Statement: Record<string, unknown>[] }).Statement;
}

describe('options', () => {
  it('put the host policy into the role that is named', () => {
    const inRole = (cluster: Cluster) =>
      all(templateOf(cluster), 'AWS::IAM::Policy').filter(({ PolicyName }) => /-host-/.test(`${PolicyName}`));
    expect(inRole(example)).toEqual([]);
    expect(inRole(everyOption)).toEqual([
      expect.objectContaining({ PolicyName: 'orders-eu-host-eu-central-1', Roles: ['orders-hosts'] }),
    ]);
    expect(templateOf(everyOption).Outputs).not.toHaveProperty('AllowHosts');
  });

  it('give the command that puts it into a role else: a policy attached by hand could not be deleted', () => {
    const command = asText(templateOf(example).Outputs.AllowHosts?.Value);
    const policy =
      /^aws iam put-role-policy --role-name ROLE --policy-name pg-sync-host-us-east-1 --policy-document '([^']+)'$/;
    expect(JSON.parse(policy.exec(command)?.[1] ?? 'null')).toEqual({
      Version: '2012-10-17',
      Statement: hostStatements(everyOption).map((statement) => ({
        ...statement,
        Resource: expect.anything(),
      })),
    });
    expect(all(templateOf(example), 'AWS::IAM::ManagedPolicy')).toEqual([]);
    // CloudFormation's limit.
    expect(command.length).toBeLessThan(4096);
  });

  it('add the rules to the nodes’ group, or give the command that adds the same ones', () => {
    const theirs: Cluster = { ...everyOption, network: { ...everyOption.network, securityGroupRules: 'yours' } };
    const [stack] = readAssembly(synthesize(theirs));
    if (stack === undefined) throw new Error('no stack');
    expect(all(stack.template, 'AWS::EC2::SecurityGroupIngress')).toEqual([]);
    expect(all(stack.template, 'AWS::EC2::SecurityGroupEgress')).toEqual(
      all(templateOf(everyOption), 'AWS::EC2::SecurityGroupEgress'),
    );
    const [[observer] = []] = resourcesOf(stack.template, 'AWS::EC2::SecurityGroup');
    const add = (port: number, source: string) =>
      `aws ec2 authorize-security-group-ingress --region eu-central-1 --group-id sg-0fedcba9876543210 --ip-permissions 'IpProtocol=tcp,FromPort=${port},ToPort=${port},UserIdGroupPairs=[{GroupId=${source}}]'`;
    // EC2 refuses a whole request for one rule that it has, and clusters that share the group share one rule.
    const commands = [6432, 7432].flatMap((port) =>
      ['sg-0fedcba9876543210', `<${observer}.GroupId>`].map((source) => add(port, source)),
    );
    expect(asText(stack.template.Outputs.AddRules?.Value)).toBe(commands.join('; '));
    expect(templateOf(everyOption).Outputs).not.toHaveProperty('AddRules');
  });

  it('subscribe every destination to the alerts', () => {
    const subscribed = (cluster: Cluster) =>
      all(templateOf(cluster), 'AWS::SNS::Subscription').map(({ Protocol, Endpoint }) => [Protocol, Endpoint]);
    expect(subscribed(example)).toEqual([['email', 'dba@example.com']]);
    expect(subscribed(everyOption)).toEqual([
      ['email', 'dba@example.com'],
      ['email', 'oncall@example.com'],
      ['https', 'https://alerts.example.com/hook'],
      ['http', 'http://10.1.9.9/hook'],
    ]);
  });

  it('send alerts to Slack, from where nobody becomes an administrator', () => {
    const channels = (cluster: Cluster) => all(templateOf(cluster), 'AWS::Chatbot::SlackChannelConfiguration');
    expect(channels(example)).toEqual([]);
    expect(channels(everyOption)).toEqual([
      expect.objectContaining({
        SlackWorkspaceId: 'T0123ABCD',
        SlackChannelId: 'C0123ABCD',
        GuardrailPolicies: [expect.anything()],
      }),
    ]);
    expect(JSON.stringify(channels(everyOption)[0]?.GuardrailPolicies)).toContain('policy/CloudWatchReadOnlyAccess');
  });
});
