/** How a former primary is fenced, and which hosts cannot be. */
import type { Cluster, ClusterNode } from '../contract/cluster-config.ts';
import { OperatorError } from '../contract/errors.ts';
import type { FencingPlan, HostSighting, InstanceSighting } from '../contract/promotions.ts';

/**
 * On its host as long as SSM reaches that: it takes a second, while EC2 needs up to minutes to stop an instance. A host
 * that is about to go, or whose state nobody knows, is not asked.
 */
export function planFencing(seen: HostSighting): FencingPlan {
  const runs = seen.state === null || seen.state === 'running';
  return { ...seen, method: runs && seen.agentOnline === true ? 'host' : 'instance' };
}

/** The command that takes an instance out of its group without ending it. */
function detachCommand({ network }: Cluster, instanceId: string, group: string): string {
  return (
    `aws autoscaling detach-instances --region ${network.region} --instance-ids ${instanceId} ` +
    `--auto-scaling-group-name '${group.replaceAll("'", "'\\''")}' --should-decrement-desired-capacity`
  );
}

/**
 * Refuses to stop an instance that would not outlast it. An Auto Scaling group terminates a member that stops and puts
 * an empty one in its place, with the volumes as their `DeleteOnTermination` says. Whether its processes are suspended
 * cannot be seen here, so membership is enough.
 *
 * @see https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-health-checks.html
 * @throws OperatorError InstanceNotStoppable
 */
export function refuseToStopMember(cluster: Cluster, node: ClusterNode, seen: InstanceSighting): void {
  const { instanceId, autoScalingGroup: group } = seen;
  if (group === null) return;
  throw new OperatorError(
    'InstanceNotStoppable',
    `The instance ${instanceId} of ${node.name} belongs to the Auto Scaling group ${group}, which would terminate and replace it, data included. It was not stopped.`,
    `Detach it from the group, then start the failover again:\n${detachCommand(cluster, instanceId, group)}`,
  );
}

/** EC2 refuses to stop the instance, whoever asks; its words say why. */
export function refusedByEc2(node: ClusterNode, words: string, cause: Error): OperatorError {
  return new OperatorError(
    'InstanceNotStoppable',
    `EC2 refuses to stop the instance ${node.instanceId} of ${node.name}: ${words}`,
    'Nothing proves that it accepts no writes. Take away what EC2 names (stop protection, for example), or have SSM reach the host; where its data may be lost, terminate the instance. Then start the failover again.',
    { cause },
  );
}

/**
 * What keeps instances from being fenced by their power, one line each.
 *
 * @param seen null when EC2 could not be asked
 */
export function instanceWarnings(
  cluster: Cluster,
  nodes: readonly ClusterNode[],
  seen: readonly InstanceSighting[] | null,
): string[] {
  if (seen === null) return ['EC2 could not be asked whether its instances can be fenced by their power.'];
  return nodes.flatMap(({ name, instanceId }) => {
    const instance = seen.find((each) => each.instanceId === instanceId);
    if (instance === undefined) return [];
    const { autoScalingGroup: group, spot, rootInInstanceStore } = instance;
    return [
      ...(group === null
        ? []
        : [
            `${name} is a member of the Auto Scaling group ${group}, which terminates it with its data when it stops or looks unhealthy. Failover never stops it. Detach it: ${detachCommand(cluster, instanceId, group)}`,
          ]),
      ...(spot
        ? [
            `${name} is a spot instance: EC2 may take it back at any time, and cannot stop one of a one-time request, so failover may not be able to fence it.`,
          ]
        : []),
      ...(rootInInstanceStore
        ? [
            `The root device of ${name} is an instance store: EC2 cannot stop it, so failover cannot fence it where SSM does not reach its host.`,
          ]
        : []),
    ];
  });
}
