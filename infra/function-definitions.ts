/** The one table of a cluster's functions: what each is for, what it is told and what it may do. */
import { ArnFormat, Stack } from 'aws-cdk-lib';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as sns from 'aws-cdk-lib/aws-sns';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { Cluster } from '../lambdas/contract/cluster-config.ts';
import { resourceNames, type StateItem, stateItems, workingRunbooks } from '../lambdas/contract/names.ts';
import type { Credentials } from './credentials.ts';
import type { HandlerName } from './handler-names.ts';
import { automaticRunbookArns, runbookArnPrefix, runbookArns, runbookExecutionArns } from './runbook-arns.ts';
import type { Wildcard } from './wildcards.ts';

/** What functions work with. */
export interface FunctionResources {
  readonly cluster: Cluster;
  readonly credentials: Credentials;
  readonly stateTable: dynamodb.Table;
  readonly topic: sns.Topic;
  readonly checksQueue: sqs.Queue;
  readonly documentArns: string[];
}

/** What Lambda writes a function's log with. */
export const logging = ['logs:CreateLogStream', 'logs:PutLogEvents'];

/** What one function is for, what it is told and what it may do. */
export interface FunctionDefinition {
  readonly description: string;
  readonly timeoutSeconds: number;
  /** Megabytes; a function gets a share of the processor to match. */
  readonly memorySize?: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** Beyond writing its own log. */
  readonly mayDo: iam.PolicyStatement[];
  readonly wildcards?: Wildcard[];
  /** In the VPC, with a way to the nodes and none to AWS. */
  readonly inVpc?: true;
  /** Runs all day long. Lambda does not log each start and end of it, which would cost as much as the work. */
  readonly runsOften?: true;
  /** Not repeated by Lambda when it failed, for the next run comes soon. */
  readonly notRepeated?: true;
}

/** The functions of a cluster, by the names of their handlers. */
export function functionDefinitions(
  scope: Construct,
  resources: FunctionResources,
): Record<HandlerName, FunctionDefinition> {
  const { cluster, credentials, stateTable, topic, checksQueue, documentArns } = resources;
  const runbooks = runbookArns(scope, cluster.name);
  const observer = functionArn(scope, cluster, 'observe-cluster');
  const stateTableEnvironment = { STATE_TABLE: stateTable.tableName };
  const observing = {
    environment: { OBSERVER_FUNCTION: observer, MONITORING_SECRET_ID: credentials.monitoring.secretArn },
    mayDo: [
      allow(['lambda:InvokeFunction'], [observer]),
      allow(['secretsmanager:GetSecretValue'], [credentials.monitoring.secretArn]),
    ],
  };
  const read = (...items: StateItem[]) => onItems(['dynamodb:GetItem'], stateTable, items);
  const write = (...items: StateItem[]) => onItems(['dynamodb:UpdateItem'], stateTable, items);
  const use = (...items: StateItem[]) => onItems(['dynamodb:GetItem', 'dynamodb:UpdateItem'], stateTable, items);
  const runbookLink = { RUNBOOK_ARN_PREFIX: runbookArnPrefix(scope, cluster.name) };
  const completeTasks = [
    use('commands'),
    allow(['ssm:ListCommands', 'ssm:GetCommandInvocation'], ['*']),
    // The service authorization reference names no resource type for these; IAM checks the state machine's ARN.
    allow(['states:SendTaskSuccess', 'states:SendTaskFailure'], runbookArns(scope, cluster.name, workingRunbooks)),
  ];
  const executions = runbookExecutionArns(scope, cluster.name);
  /** Executions that can hold the lock, and may have to be asked about. */
  const lockHolders = runbookExecutionArns(scope, cluster.name, workingRunbooks);
  const haveNoName = (arns: string[]) =>
    arns.map((resource) => ({ resource, reason: 'The name of an execution is known only once it runs.' }));
  const commandsHaveNoArn = {
    resource: '*',
    reason:
      'ssm:ListCommands, ssm:GetCommandInvocation and ssm:DescribeInstanceInformation have no resource type: a command has no ARN.',
  };
  return {
    'run-node-command': {
      description: 'Sends one command to one host',
      timeoutSeconds: 30,
      environment: stateTableEnvironment,
      mayDo: [
        write('commands'),
        allow(['ssm:SendCommand'], [...documentArns, ...instanceArns(scope, cluster)]),
        allow(['ssm:DescribeInstanceInformation'], ['*']),
      ],
      wildcards: [{ resource: '*', reason: 'ssm:DescribeInstanceInformation has no resource type.' }],
    },
    'complete-node-command': {
      description: 'Completes the task that waits for a command, when SSM reports that it ended',
      timeoutSeconds: 30,
      environment: stateTableEnvironment,
      mayDo: completeTasks,
      wildcards: [commandsHaveNoArn],
    },
    'sweep-node-commands': {
      description: 'Completes tasks whose command ended without an event, or whose instance went away',
      timeoutSeconds: 60,
      environment: stateTableEnvironment,
      mayDo: [...completeTasks, allow(['ssm:DescribeInstanceInformation'], ['*'])],
      wildcards: [commandsHaveNoArn],
    },
    'acquire-lock': {
      description: 'Takes the lock of the cluster for a runbook',
      timeoutSeconds: 30,
      environment: stateTableEnvironment,
      // Whether the execution that holds the lock still runs.
      mayDo: [use('operation'), allow(['states:DescribeExecution'], lockHolders)],
      wildcards: haveNoName(lockHolders),
    },
    'announce-runbook': {
      description: 'Tells the subscribers that a runbook has started, and how it has ended',
      timeoutSeconds: 15,
      environment: { TOPIC_ARN: topic.topicArn, RUNBOOK_ARN_PREFIX: runbookArnPrefix(scope, cluster.name) },
      mayDo: [
        allow(['sns:Publish'], [topic.topicArn]),
        // Whether one that failed has said so itself.
        allow(['states:GetExecutionHistory'], executions),
      ],
      wildcards: haveNoName(executions),
    },
    'ask-for-rebuild': {
      description: 'Asks the subscribers whether a node may be rebuilt, with the commands that answer',
      timeoutSeconds: 15,
      environment: { TOPIC_ARN: topic.topicArn, RUNBOOK_ARN_PREFIX: runbookArnPrefix(scope, cluster.name) },
      mayDo: [allow(['sns:Publish'], [topic.topicArn])],
    },
    'release-lock': {
      description: 'Gives the lock of the cluster back',
      timeoutSeconds: 30,
      environment: stateTableEnvironment,
      mayDo: [write('operation')],
    },
    'plan-setup': {
      description: 'Judges what preflight found and plans the setup',
      timeoutSeconds: 30,
      mayDo: [],
    },
    'plan-allow-async': {
      description: 'Decides whether commits wait for missing standbys, and plans to let them return without',
      timeoutSeconds: 30,
      environment: { ...observing.environment, ...stateTableEnvironment },
      mayDo: [...observing.mayDo, read('allowance')],
    },
    'plan-resume-sync': {
      description: 'Plans the return to synchronous replication',
      timeoutSeconds: 30,
      environment: { ...observing.environment, ...stateTableEnvironment },
      mayDo: [...observing.mayDo, read('allowance')],
    },
    'record-allowance': {
      description: 'Records for how long commits may return without a standby, or that they may no longer',
      timeoutSeconds: 15,
      environment: stateTableEnvironment,
      mayDo: [write('allowance')],
    },
    'find-primary': {
      description: 'Asks the observer which node is the primary that another one is to follow',
      timeoutSeconds: 30,
      ...observing,
    },
    'plan-rejoin': {
      description: 'Judges what was seen of a node and plans how it rejoins',
      timeoutSeconds: 30,
      mayDo: [],
    },
    'verify-rejoin': {
      description: 'Asks the observer until a node that rejoined has caught up, and reports what was done',
      timeoutSeconds: 60,
      ...observing,
    },
    'plan-switchover': {
      description: 'Looks whether the primary may be changed now, and to which node',
      timeoutSeconds: 30,
      environment: { ...observing.environment, ...stateTableEnvironment },
      mayDo: [...observing.mayDo, read('checker')],
    },
    'plan-failover': {
      description: 'Asks several witnesses whether the primary is down, and plans the failover',
      timeoutSeconds: 60,
      environment: { ...observing.environment, ...stateTableEnvironment, ...runbookLink },
      mayDo: [...observing.mayDo, read('checker', 'allowance')],
    },
    'plan-fencing': {
      description: 'Looks whether the host of a former primary can be reached, which decides how it is fenced',
      timeoutSeconds: 30,
      mayDo: [allow(['ssm:DescribeInstanceInformation', 'ec2:DescribeInstances'], ['*'])],
      wildcards: [
        {
          resource: '*',
          reason: 'ssm:DescribeInstanceInformation and ec2:DescribeInstances have no resource type.',
        },
      ],
    },
    'fence-instance': {
      description: 'Stops the instance of a former primary whose host cannot be reached, and sees it stopped',
      timeoutSeconds: 60,
      mayDo: [allow(['ec2:StopInstances'], instanceArns(scope, cluster)), allow(['ec2:DescribeInstances'], ['*'])],
      wildcards: [{ resource: '*', reason: 'ec2:DescribeInstances has no resource type.' }],
    },
    'choose-candidate': {
      description: 'Chooses the standby with the most WAL, if no acknowledged commit can be missing there',
      timeoutSeconds: 30,
      environment: runbookLink,
      mayDo: [],
    },
    'report-promotion': {
      description: 'Says what a switchover or failover has done',
      timeoutSeconds: 30,
      mayDo: [],
    },
    'verify-replication': {
      description: 'Asks the observer and judges whether replication is as it should be',
      timeoutSeconds: 60,
      ...observing,
    },
    'set-maintenance': {
      description: 'Silences the alerts until a time, or ends that; says what is wrong now',
      timeoutSeconds: 60,
      environment: { ...observing.environment, ...stateTableEnvironment, TOPIC_ARN: topic.topicArn },
      mayDo: [...observing.mayDo, use('checker'), read('allowance'), allow(['sns:Publish'], [topic.topicArn])],
    },
    'schedule-checks': {
      description: 'Asks for the checks of the next three minutes',
      timeoutSeconds: 15,
      environment: { CHECKS_QUEUE_URL: checksQueue.queueUrl },
      mayDo: [allow(['sqs:SendMessage'], [checksQueue.queueArn])],
      runsOften: true,
      notRepeated: true,
    },
    'check-cluster': {
      description: 'Looks at the cluster once, remembers what it saw and publishes what is new',
      timeoutSeconds: 30,
      environment: {
        ...observing.environment,
        ...stateTableEnvironment,
        TOPIC_ARN: topic.topicArn,
        RUNBOOK_ARN_PREFIX: runbookArnPrefix(scope, cluster.name),
      },
      mayDo: [
        ...observing.mayDo,
        use('checker'),
        read('allowance', 'operation'),
        allow(['sns:Publish'], [topic.topicArn]),
        // What the policy of the cluster lets it start, and whether somebody else is at work.
        allow(['states:StartExecution'], automaticRunbookArns(scope, cluster.name)),
        allow(['states:DescribeExecution'], lockHolders),
        // By Lambda, which takes the messages out of the queue with this role.
        allow(['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'], [checksQueue.queueArn]),
      ],
      wildcards: haveNoName(lockHolders),
      runsOften: true,
      notRepeated: true,
    },
    'dashboard-widget': {
      description: 'Draws the cluster for its dashboard; looks only, and changes nothing',
      timeoutSeconds: 15,
      environment: {
        ...observing.environment,
        ...stateTableEnvironment,
        RUNBOOK_ARN_PREFIX: runbookArnPrefix(scope, cluster.name),
      },
      mayDo: [
        ...observing.mayDo,
        read('checker', 'allowance', 'operation'),
        allow(['states:ListExecutions'], runbooks),
      ],
    },
    'observe-cluster': {
      description: 'Asks every node over SQL; no AWS permissions, no route to AWS',
      timeoutSeconds: 30,
      // Key exchange and password hashing for each node: at half of this it takes more than twice as long and costs more.
      memorySize: 512,
      mayDo: onlyForLambdaItself(scope, observer, cluster),
      inVpc: true,
      runsOften: true,
      wildcards: ['*', anyNetworkInterface(scope), ...observerSubnets(scope, cluster)].map((resource) => ({
        resource,
        reason:
          'For the Lambda service alone, as its documentation asks: the Deny beside them takes them from the code.',
      })),
    },
  };
}

/**
 * The role of a function in a VPC must let the Lambda service manage the network interfaces that lead there.
 * What the code of the function calls carries `lambda:SourceFunctionArn`, what the service calls does not: so the
 * code may do nothing.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
 */
function onlyForLambdaItself(scope: Construct, functionArn: string, cluster: Cluster): iam.PolicyStatement[] {
  return [
    // The resources are those of Lambda's documentation: it checks the role, and refuses one that it finds too narrow.
    allow(
      [
        'ec2:CreateNetworkInterface',
        'ec2:DeleteNetworkInterface',
        'ec2:AssignPrivateIpAddresses',
        'ec2:UnassignPrivateIpAddresses',
      ],
      [anyNetworkInterface(scope)],
    ),
    allow(['ec2:CreateNetworkInterface'], observerSubnets(scope, cluster)),
    // These have no resource type.
    allow(['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets'], ['*']),
    new iam.PolicyStatement({
      effect: iam.Effect.DENY,
      notActions: logging,
      resources: ['*'],
      conditions: { ArnEquals: { 'lambda:SourceFunctionArn': functionArn } },
    }),
  ];
}

function anyNetworkInterface(scope: Construct): string {
  return Stack.of(scope).formatArn({ service: 'ec2', resource: '*', resourceName: '*' });
}

/**
 * To create an interface is checked for the interface and for its subnet. The interface belongs to the account that
 * creates it; a subnet that is shared through AWS RAM belongs to another one, which no configuration names. Its id is
 * unique, whatever the account.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
 * @see https://docs.aws.amazon.com/vpc/latest/userguide/vpc-share-limitations.html
 */
function observerSubnets(scope: Construct, { network }: Cluster): string[] {
  return network.observerSubnets.map(({ subnetId }) =>
    Stack.of(scope).formatArn({ service: 'ec2', account: '*', resource: 'subnet', resourceName: subnetId }),
  );
}

function functionArn(scope: Construct, cluster: Cluster, name: HandlerName): string {
  return Stack.of(scope).formatArn({
    service: 'lambda',
    resource: 'function',
    resourceName: resourceNames(cluster.name).function(name),
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}

function instanceArns(scope: Construct, cluster: Cluster): string[] {
  return cluster.nodes.map((node) =>
    Stack.of(scope).formatArn({ service: 'ec2', resource: 'instance', resourceName: node.instanceId }),
  );
}

/**
 * A statement that allows these actions on these items of the table, and on no other.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
 */
function onItems(actions: string[], table: dynamodb.Table, items: StateItem[]): iam.PolicyStatement {
  const statement = allow(actions, [table.tableArn]);
  statement.addCondition('ForAllValues:StringEquals', {
    'dynamodb:LeadingKeys': items.map((item) => stateItems[item]),
  });
  return statement;
}

/** A statement that allows these actions on these resources. */
export function allow(actions: string[], resources: string[]): iam.PolicyStatement {
  return new iam.PolicyStatement({ actions, resources });
}
