/**
 * The calls that AWS's services make because of what a template configures, and not because anything happens here:
 * roles that they assume, network interfaces of functions in a VPC, logs and traces of state machines, alarms. AWS
 * refuses some of them at the deployment and the others silently; the runtime refuses all when it loads the assembly.
 */
import { type Resource, resourcesOf, type Stack } from '../assembly/load-assembly.ts';
import type { AccessControl, Call } from './access-control.ts';
import { AccessDenied } from './access-control.ts';
import { type Principal, serviceFor } from './principal.ts';

interface ConfiguredCall {
  readonly principal: Principal;
  readonly call: Call;
}

const onNothing = (region: string, actions: readonly string[]): Call[] =>
  actions.map((action) => ({ action, resources: [], region }));

/** A service takes a role for one of the account's resources. */
function assumes(service: string, source: string, roleArn: unknown): ConfiguredCall {
  return {
    principal: serviceFor(service, source),
    call: { action: 'sts:AssumeRole', resources: [String(roleArn)] },
  };
}

/**
 * Lambda manages the network interfaces of functions in a VPC with their role, outside of their code.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
 */
function networkCalls({ region, account }: Stack, { properties }: Resource): Call[] {
  const { SubnetIds: subnets = [], SecurityGroupIds: groups = [] } = (properties.VpcConfig ?? {}) as {
    SubnetIds?: string[];
    SecurityGroupIds?: string[];
  };
  const ec2 = (resource: string) => `arn:aws:ec2:${region}:${account}:${resource}`;
  const networkInterface = ec2('network-interface/eni-00000000000000000');
  return [
    {
      action: 'ec2:CreateNetworkInterface',
      resources: [
        networkInterface,
        ...subnets.map((id) => ec2(`subnet/${id}`)),
        ...groups.map((id) => ec2(`security-group/${id}`)),
      ],
    },
    ...['ec2:DeleteNetworkInterface', 'ec2:AssignPrivateIpAddresses', 'ec2:UnassignPrivateIpAddresses'].map(
      (action) => ({ action, resources: [networkInterface] }),
    ),
    ...onNothing(region, ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets']),
  ];
}

/**
 * Step Functions sets up the delivery of its logs with the role of the state machine, and sends its traces with it.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html#cloudwatch-iam-policy
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html
 */
function observationCalls({ region }: Stack, { properties }: Resource): Call[] {
  const { Destinations: destinations = [] } = (properties.LoggingConfiguration ?? {}) as { Destinations?: unknown[] };
  const { Enabled: traces } = (properties.TracingConfiguration ?? {}) as { Enabled?: boolean };
  return onNothing(region, [
    ...(destinations.length === 0
      ? []
      : [
          'logs:CreateLogDelivery',
          'logs:GetLogDelivery',
          'logs:UpdateLogDelivery',
          'logs:DeleteLogDelivery',
          'logs:ListLogDeliveries',
          'logs:PutResourcePolicy',
          'logs:DescribeResourcePolicies',
          'logs:DescribeLogGroups',
        ]),
    ...(traces === true
      ? ['xray:PutTraceSegments', 'xray:PutTelemetryRecords', 'xray:GetSamplingRules', 'xray:GetSamplingTargets']
      : []),
  ]);
}

/**
 * Lambda looks at the role of a function before it takes messages from a queue for it.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions
 */
function sourceCalls(stacks: readonly Stack[], access: AccessControl): ConfiguredCall[] {
  return resourcesOf(stacks, 'AWS::Lambda::EventSourceMapping').flatMap(({ resource: { properties } }) => {
    const name = String(properties.FunctionName);
    const reader = resourcesOf(stacks, 'AWS::Lambda::Function').find(({ resource }) =>
      [resource.id, resource.attributes.Arn].includes(name),
    );
    if (reader === undefined) return [];
    const principal = access.session(String(reader.resource.properties.Role), reader.resource.id);
    const resources = [String(properties.EventSourceArn)];
    return ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'].map((action) => ({
      principal,
      call: { action, resources },
    }));
  });
}

function configuredCalls(stacks: readonly Stack[], access: AccessControl): ConfiguredCall[] {
  const each = (type: string, calls: (stack: Stack, resource: Resource) => ConfiguredCall[]) =>
    resourcesOf(stacks, type).flatMap(({ stack, resource }) => calls(stack, resource));
  return [
    ...each('AWS::Lambda::Function', (stack, resource) => {
      const role = String(resource.properties.Role);
      const lambda = access.session(role, resource.id);
      return [
        assumes('lambda.amazonaws.com', resource.attributes.Arn ?? '', role),
        ...(resource.properties.VpcConfig === undefined
          ? []
          : networkCalls(stack, resource).map((call) => ({ principal: lambda, call }))),
      ];
    }),
    ...each('AWS::StepFunctions::StateMachine', (stack, resource) => {
      const role = String(resource.properties.RoleArn);
      const machine = access.session(role, 'configuration');
      return [
        assumes('states.amazonaws.com', resource.id, role),
        ...observationCalls(stack, resource).map((call) => ({ principal: machine, call })),
      ];
    }),
    // The source is the group of the schedule:
    // https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    ...each('AWS::Scheduler::Schedule', ({ region, account }, { properties }) => [
      assumes(
        'scheduler.amazonaws.com',
        `arn:aws:scheduler:${region}:${account}:schedule-group/${properties.GroupName ?? 'default'}`,
        (properties.Target as { RoleArn: string }).RoleArn,
      ),
    ]),
    ...each('AWS::CloudWatch::Alarm', (_stack, { attributes, properties }) => {
      const {
        AlarmActions: alarm = [],
        OKActions: ok = [],
        InsufficientDataActions: none = [],
      } = properties as {
        AlarmActions?: string[];
        OKActions?: string[];
        InsufficientDataActions?: string[];
      };
      return [...new Set([...alarm, ...ok, ...none])].map((topic) => ({
        principal: serviceFor('cloudwatch.amazonaws.com', attributes.Arn ?? ''),
        call: { action: 'sns:Publish', resources: [topic] },
      }));
    }),
    ...sourceCalls(stacks, access),
  ];
}

/** @throws Error naming every call that would be refused */
export async function checkConfiguredCalls(stacks: readonly Stack[], access: AccessControl): Promise<void> {
  const problems: string[] = [];
  for (const { principal, call } of configuredCalls(stacks, access)) {
    try {
      await access.check(principal, call);
    } catch (error) {
      if (!(error instanceof AccessDenied)) throw error;
      problems.push(`  ${error.message}`);
    }
  }
  if (problems.length > 0) throw new Error(`AWS would refuse:\n${problems.join('\n')}`);
}
