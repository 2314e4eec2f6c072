/** What a security reviewer would look for: who may do what, to which resources. */
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../lambdas/contract/cluster-config.ts';
import { automaticRunbooks, runbookNames } from '../../lambdas/contract/names.ts';
import { nodeCommandNames } from '../../lambdas/contract/node-commands.ts';
import { asText } from './assembly.ts';
import { all, exampleStacks, runbookArns, templateOf } from './example-stacks.ts';
import { functionsThat, permissions, permissionsOfFunction, roleOfFunction } from './permissions.ts';

const instances = (cluster: Cluster, account: string) =>
  cluster.nodes.map(({ instanceId }) => `arn:aws:ec2:${cluster.network.region}:${account}:instance/${instanceId}`);

describe.each(exampleStacks)('permissions of the stack of $cluster.name', ({ cluster, account }) => {
  const template = templateOf(cluster);
  const { region } = cluster.network;
  const runbooks = runbookArns(cluster, account);

  it('of the observer are taken from its code, whatever the Lambda service needs', () => {
    const own = permissionsOfFunction(template, `${cluster.name}-observe-cluster`);
    const allowed = own.filter(({ effect }) => effect === 'Allow').flatMap(({ actions }) => actions);
    expect(allowed.sort()).toEqual([
      'ec2:AssignPrivateIpAddresses',
      'ec2:CreateNetworkInterface',
      'ec2:CreateNetworkInterface',
      'ec2:DeleteNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets',
      'ec2:UnassignPrivateIpAddresses',
    ]);
    const [deny] = own.filter(({ effect }) => effect === 'Deny');
    expect(deny).toMatchObject({
      actions: [],
      notActions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: ['*'],
    });
    const condition = deny?.condition as { ArnEquals: Record<string, unknown> };
    expect(Object.keys(condition)).toEqual(['ArnEquals']);
    expect(asText(condition.ArnEquals['lambda:SourceFunctionArn'])).toBe(
      `arn:aws:lambda:${region}:${account}:function:${cluster.name}-observe-cluster`,
    );
  });

  it('to send a command cover these documents on these instances, for one function', () => {
    const senders = permissions(template).filter(({ actions }) => actions.includes('ssm:SendCommand'));
    expect(functionsThat(template, ({ actions }) => actions.includes('ssm:SendCommand'))).toEqual([
      `${cluster.name}-run-node-command`,
    ]);
    const documents = nodeCommandNames.map(
      (command) => `arn:aws:ssm:${region}:${account}:document/${cluster.name}-${command}`,
    );
    expect(senders.map(({ resources }) => resources.sort())).toEqual([
      [...instances(cluster, account), ...documents].sort(),
    ]);
  });

  it('to stop an instance cover this cluster’s instances, for the one function that fences', () => {
    const stops = permissions(template).filter(({ actions }) =>
      actions.some((action) => /^ec2:.*Instances$/.test(action)),
    );
    expect(functionsThat(template, ({ actions }) => actions.includes('ec2:StopInstances'))).toEqual([
      `${cluster.name}-fence-instance`,
    ]);
    const changing = stops.filter(({ actions }) => !actions.includes('ec2:DescribeInstances'));
    expect(changing.map(({ actions, resources }) => [actions, resources.sort()])).toEqual([
      [['ec2:StopInstances'], instances(cluster, account).sort()],
    ]);
  });

  it('to read a password are with the hosts, and for monitoring with the functions that ask the observer', () => {
    const readers = permissions(template)
      .filter(({ actions }) => actions.includes('secretsmanager:GetSecretValue'))
      .map(({ holder, resources }) => [holder.replace(/[0-9A-F]{8}$/, ''), resources.length]);
    expect(readers.sort()).toEqual([
      ['Functionscheckclusterrole', 1],
      ['Functionsdashboardwidgetrole', 1],
      ['Functionsfindprimaryrole', 1],
      ['Functionsplanallowasyncrole', 1],
      ['Functionsplanfailoverrole', 1],
      ['Functionsplanresumesyncrole', 1],
      ['Functionsplanswitchoverrole', 1],
      ['Functionssetmaintenancerole', 1],
      ['Functionsverifyrejoinrole', 1],
      ['Functionsverifyreplicationrole', 1],
      // Else the user gives it to them (the output AllowHosts).
      ...(cluster.network.hostRoleName === undefined ? [] : [[cluster.network.hostRoleName, 2]]),
    ]);
    const observing = [
      'check-cluster',
      'dashboard-widget',
      'find-primary',
      'plan-failover',
      'plan-switchover',
      'plan-allow-async',
      'plan-resume-sync',
      'set-maintenance',
      'verify-rejoin',
      'verify-replication',
    ];
    for (const name of observing) {
      const [ofFunction] = permissionsOfFunction(template, `${cluster.name}-${name}`).filter(({ actions }) =>
        actions.includes('secretsmanager:GetSecretValue'),
      );
      expect(ofFunction?.resources[0]).toMatch(/^<CredentialsMonitoring/);
    }
  });

  it('to complete a task are for tasks of this cluster’s runbooks', () => {
    const completing = permissions(template).filter(({ actions }) => actions.includes('states:SendTaskSuccess'));
    const working = runbooks.filter((arn) => !arn.endsWith('-maintenance'));
    expect(completing.map(({ resources }) => resources.toSorted())).toEqual([working, working]);
  });

  it('to use the state table are for the items that a function uses, and for no other', () => {
    const using = permissions(template).filter(({ actions }) =>
      actions.some((action) => action.startsWith('dynamodb:')),
    );
    const roles = Object.fromEntries(
      all(template, 'AWS::Lambda::Function').map(({ FunctionName }) => [
        roleOfFunction(template, FunctionName as string),
        (FunctionName as string).slice(cluster.name.length + 1),
      ]),
    );
    const rights: Record<string, string[]> = {};
    for (const { holder, actions, resources, condition } of using) {
      expect(resources).toEqual([expect.stringMatching(/^<StateTable\w+\.Arn>$/)]);
      const { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': items } = {} } = condition as {
        'ForAllValues:StringEquals'?: { 'dynamodb:LeadingKeys': string[] };
      };
      const given = actions.flatMap((action) => (items ?? ['*']).map((item) => `${action.slice(9)} ${item}`));
      const name = roles[holder] ?? holder;
      rights[name] = [...(rights[name] ?? []), ...given].toSorted();
    }
    expect(rights).toEqual({
      'acquire-lock': ['GetItem operation', 'UpdateItem operation'],
      'check-cluster': ['GetItem allowance', 'GetItem checker', 'GetItem operation', 'UpdateItem checker'],
      'complete-node-command': ['GetItem commands', 'UpdateItem commands'],
      'dashboard-widget': ['GetItem allowance', 'GetItem checker', 'GetItem operation'],
      'plan-allow-async': ['GetItem allowance'],
      'plan-failover': ['GetItem allowance', 'GetItem checker'],
      'plan-resume-sync': ['GetItem allowance'],
      'plan-switchover': ['GetItem checker'],
      'record-allowance': ['UpdateItem allowance'],
      'release-lock': ['UpdateItem operation'],
      'run-node-command': ['UpdateItem commands'],
      'set-maintenance': ['GetItem allowance', 'GetItem checker', 'UpdateItem checker'],
      'sweep-node-commands': ['GetItem commands', 'UpdateItem commands'],
    });
  });

  it('of the checker and of the widget are these and no more', () => {
    const own = (name: string) =>
      permissionsOfFunction(template, `${cluster.name}-${name}`).map(({ actions, resources }) => [
        actions.sort(),
        resources.map((resource) => resource.replace(/[0-9A-F]{8}(?=[.>])/, '')),
      ]);
    const observer = `arn:aws:lambda:${region}:${account}:function:${cluster.name}-observe-cluster`;
    expect(own('check-cluster')).toEqual([
      [['lambda:InvokeFunction'], [observer]],
      [['secretsmanager:GetSecretValue'], ['<CredentialsMonitoring>']],
      [['dynamodb:GetItem', 'dynamodb:UpdateItem'], ['<StateTable.Arn>']],
      [['dynamodb:GetItem'], ['<StateTable.Arn>']],
      [['sns:Publish'], ['<AlertsTopic>']],
      [['states:StartExecution'], runbooks.filter((arn) => automaticRunbooks.some((name) => arn.endsWith(name)))],
      // Executions that can hold the lock.
      [
        ['states:DescribeExecution'],
        runbooks
          .filter((arn) => !arn.endsWith('-maintenance'))
          .map((arn) => `${arn.replace(':stateMachine:', ':execution:')}:*`),
      ],
      [['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'], ['<ChecksQueue.Arn>']],
    ]);
    // It shows, and can neither start nor change anything.
    expect(own('dashboard-widget')).toEqual([
      [['lambda:InvokeFunction'], [observer]],
      [['secretsmanager:GetSecretValue'], ['<CredentialsMonitoring>']],
      [['dynamodb:GetItem'], ['<StateTable.Arn>']],
      [['states:ListExecutions'], runbooks.toSorted()],
    ]);
    expect(own('schedule-checks')).toEqual([[['sqs:SendMessage'], ['<ChecksQueue.Arn>']]]);
  });

  it('hold no wildcard but those that have a reason here', () => {
    const withoutResourceType = {
      'ssm:DescribeInstanceInformation': 'instances are listed, not named',
      'ec2:DescribeInstances': 'has no resource type',
      'ssm:ListCommands': 'a command has no ARN',
      'ssm:GetCommandInvocation': 'a command has no ARN',
      'ec2:DescribeNetworkInterfaces': 'for the Lambda service; has no resource type',
      'ec2:DescribeSubnets': 'for the Lambda service; has no resource type',
      // Delivery of a state machine's log is set up through these, for which AWS demands all resources.
      'logs:CreateLogDelivery': 'has no resource type',
      'logs:GetLogDelivery': 'has no resource type',
      'logs:UpdateLogDelivery': 'has no resource type',
      'logs:DeleteLogDelivery': 'has no resource type',
      'logs:ListLogDeliveries': 'has no resource type',
      'logs:PutResourcePolicy': 'has no resource type',
      'logs:DescribeLogGroups': 'has no resource type',
      'logs:DescribeResourcePolicies': 'has no resource type',
      'xray:PutTraceSegments': 'has no resource type',
      'xray:PutTelemetryRecords': 'has no resource type',
      'xray:GetSamplingRules': 'has no resource type',
      'xray:GetSamplingTargets': 'has no resource type',
    };
    const partly = {
      // An execution's name is known only once it runs.
      ...Object.fromEntries(
        runbookNames.map((name) => [
          `arn:aws:states:${region}:${account}:execution:${cluster.name}-${name}:*`,
          ['states:DescribeExecution', 'states:GetExecutionHistory'],
        ]),
      ),
      // As the Lambda documentation has it; denied to the function's code.
      [`arn:aws:ec2:${region}:${account}:*/*`]: [
        'ec2:AssignPrivateIpAddresses',
        'ec2:CreateNetworkInterface',
        'ec2:DeleteNetworkInterface',
        'ec2:UnassignPrivateIpAddresses',
      ],
      // A shared subnet is another account's.
      ...Object.fromEntries(
        cluster.network.observerSubnets.map(({ subnetId }) => [
          `arn:aws:ec2:${region}:*:subnet/${subnetId}`,
          ['ec2:CreateNetworkInterface'],
        ]),
      ),
    };
    const unexplained = permissions(template)
      .filter(({ effect }) => effect === 'Allow')
      .flatMap(({ holder, actions, resources, notActions }) => [
        ...notActions.map((action) => `${holder}: all but ${action}`),
        ...actions.filter((action) => action.includes('*')).map((action) => `${holder}: ${action}`),
        ...actions.flatMap((action) =>
          resources
            .filter((resource) => resource.includes('*'))
            .filter((resource) => !(resource === '*' && action in withoutResourceType))
            .filter((resource) => !partly[resource]?.includes(action))
            .map((resource) => `${holder}: ${action} on ${resource}`),
        ),
      ]);
    expect(unexplained).toEqual([]);
  });
});
