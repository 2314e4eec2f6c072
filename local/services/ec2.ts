/** Amazon EC2: the hosts as instances. */
import * as z from 'zod';
import { type Host, type HostState, mostShutdownMilliseconds } from '../hosts/host.ts';
import type { Hosts, InstanceKind } from '../hosts/hosts.ts';
import { AwsError } from '../protocols/aws-error.ts';
import { operation, type Service } from './service.ts';

const stateCodes: Readonly<Record<HostState, number>> = { pending: 0, running: 16, stopping: 64, stopped: 80 };
const state = (name: HostState) => ({ code: stateCodes[name], name });

const instanceIds = z.array(z.string());
const filters = z.array(z.strictObject({ Name: z.string(), Value: z.array(z.string()) })).optional();

/** Values of a filter may hold wildcards, as in EC2. */
function matchesValue(pattern: string, value: string): boolean {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${expression}$`, 's').test(value);
}

function select(hosts: Hosts, region: string, ids: string[] | undefined, given: z.output<typeof filters>): Host[] {
  const candidates = ids === undefined ? hosts.list(region) : ids.map((id) => hosts.require(id, region));
  return candidates.filter((host) =>
    (given ?? []).every(({ Name, Value }) => {
      const facts: Readonly<Record<string, string>> = {
        'instance-id': host.facts.instanceId,
        'instance-state-name': host.state,
        'tag:Name': host.facts.name,
        'private-ip-address': host.facts.address,
        'vpc-id': host.facts.vpcId,
      };
      const value = facts[Name];
      if (value === undefined)
        throw new AwsError('InvalidParameterValue', `The filter '${Name}' is not served by the local runtime`);
      return Value.some((pattern) => matchesValue(pattern, value));
    }),
  );
}

function describe(host: Host, { autoScalingGroup, spot }: InstanceKind) {
  const { facts } = host;
  return {
    instanceId: facts.instanceId,
    imageId: 'ami-00000000',
    instanceState: state(host.state),
    privateDnsName: `ip-${facts.address.replaceAll('.', '-')}.${facts.region}.compute.internal`,
    privateIpAddress: facts.address,
    // Instances have a type that AWS has; which it is means nothing here.
    rootDeviceType: 'ebs',
    instanceType: process.arch === 'arm64' ? 't4g.medium' : 't3.medium',
    launchTime: host.launched,
    placement: { availabilityZone: facts.availabilityZone, tenancy: 'default' },
    subnetId: facts.subnetId,
    vpcId: facts.vpcId,
    architecture: process.arch === 'x64' ? 'x86_64' : process.arch,
    groupSet: [{ groupId: facts.securityGroupId, groupName: 'nodes' }],
    tagSet: [
      { key: 'Name', value: facts.name },
      { key: 'Cluster', value: facts.cluster },
      ...(autoScalingGroup === null ? [] : [{ key: 'aws:autoscaling:groupName', value: autoScalingGroup }]),
    ],
    ...(spot && { instanceLifecycle: 'spot', spotInstanceRequestId: `sir-${facts.instanceId.slice(-8)}` }),
  };
}

/** What EC2 refuses to stop; and what would be ended and replaced, which nothing here can do. */
function requireStoppable(host: Host, { autoScalingGroup, spot }: InstanceKind): void {
  if (spot) {
    throw new AwsError(
      'UnsupportedOperation',
      `You can't stop the Spot Instance '${host.facts.instanceId}' because it is associated with a one-time Spot Instance request. You can only stop Spot Instances associated with persistent Spot Instance requests.`,
    );
  }
  if (autoScalingGroup !== null) {
    throw new AwsError(
      'InternalError',
      `${autoScalingGroup} would terminate '${host.facts.instanceId}'; the local runtime has no Auto Scaling`,
    );
  }
}

/** The EC2 API over the hosts. */
export function ec2Service(hosts: Hosts, onInternalError: (what: string, error: unknown) => void): Service {
  const inBackground = (what: string, work: Promise<void>) =>
    void work.catch((error: unknown) => onInternalError(what, error));
  const change = (ids: string[], region: string, act: (host: Host) => void) => ({
    instancesSet: ids
      .map((id) => hosts.require(id, region))
      .map((host) => {
        const previous = host.state;
        act(host);
        return { instanceId: host.facts.instanceId, currentState: state(host.state), previousState: state(previous) };
      }),
  });
  return {
    name: 'ec2',
    protocol: 'ec2',
    namespace: 'http://ec2.amazonaws.com/doc/2016-11-15/',
    operations: {
      DescribeInstances: operation(
        z.strictObject({
          InstanceId: instanceIds.optional(),
          Filter: filters,
          MaxResults: z.coerce.number().optional(),
        }),
        ({ InstanceId, Filter }, { region }) => ({
          reservationSet: select(hosts, region, InstanceId, Filter).map((host) => ({
            reservationId: `r-${host.facts.instanceId.slice(2)}`,
            ownerId: '000000000000',
            groupSet: [],
            instancesSet: [describe(host, hosts.kindOf(host))],
          })),
        }),
        'InvalidParameterValue',
      ),
      DescribeInstanceStatus: operation(
        z.strictObject({
          InstanceId: instanceIds.optional(),
          Filter: filters,
          IncludeAllInstances: z.stringbool().default(false),
          MaxResults: z.coerce.number().optional(),
        }),
        ({ InstanceId, Filter, IncludeAllInstances }, { region }) => ({
          instanceStatusSet: select(hosts, region, InstanceId, Filter)
            .filter((host) => IncludeAllInstances || host.state === 'running')
            .map((host) => {
              const status = host.state === 'running' ? 'ok' : 'not-applicable';
              const details = [
                { name: 'reachability', status: host.state === 'running' ? 'passed' : 'not-applicable' },
              ];
              return {
                instanceId: host.facts.instanceId,
                availabilityZone: host.facts.availabilityZone,
                instanceState: state(host.state),
                systemStatus: { status, details },
                instanceStatus: { status, details },
              };
            }),
        }),
        'InvalidParameterValue',
      ),
      // Force does not cut the power: EC2 lets the system shut down all the same, and does by force what then still
      // runs, as it happens here without it. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-stop-methods.html
      StopInstances: operation(
        z.strictObject({
          InstanceId: instanceIds,
          Force: z.stringbool().optional(),
          SkipOsShutdown: z.stringbool().default(false),
        }),
        ({ InstanceId, SkipOsShutdown }, { region }) =>
          change(InstanceId, region, (host) => {
            requireStoppable(host, hosts.kindOf(host));
            const work = SkipOsShutdown ? host.powerOff() : host.shutDown(mostShutdownMilliseconds);
            inBackground('StopInstances', work);
          }),
        'InvalidParameterValue',
      ),
      StartInstances: operation(
        z.strictObject({ InstanceId: instanceIds }),
        ({ InstanceId }, { region }) =>
          change(InstanceId, region, (host) => {
            if (host.state === 'stopping') {
              throw new AwsError(
                'IncorrectInstanceState',
                `The instance '${host.facts.instanceId}' is not in a state from which it can be started.`,
              );
            }
            inBackground('StartInstances', host.boot());
          }),
        'InvalidParameterValue',
      ),
      RebootInstances: operation(
        z.strictObject({ InstanceId: instanceIds }),
        ({ InstanceId }, { region }) => {
          for (const host of InstanceId.map((id) => hosts.require(id, region))) {
            inBackground(
              'RebootInstances',
              host.shutDown(mostShutdownMilliseconds).then(() => host.boot()),
            );
          }
          return {};
        },
        'InvalidParameterValue',
      ),
    },
  };
}
