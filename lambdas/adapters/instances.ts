/** The nodes' EC2 instances: what AWS knows of them, and taking their power away. */
import { setTimeout as pause } from 'node:timers/promises';
import { DescribeInstancesCommand, EC2Client, StopInstancesCommand } from '@aws-sdk/client-ec2';
import type { Cluster, ClusterNode } from '../contract/cluster-config.ts';
import { OperatorError } from '../contract/errors.ts';
import type { HostSighting, InstanceSighting } from '../contract/promotions.ts';
import { refusedByEc2, refuseToStopMember } from '../domain/fencing.ts';
import { logger } from './logger.ts';
import { agentsOnline } from './node-commands.ts';
import { retryUntil } from './retry-until.ts';

const client = new EC2Client({});

/** Set by EC2 Auto Scaling on every member: https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-tagging.html */
const groupTag = 'aws:autoscaling:groupName';

/** Each instance, by its id. EC2 refuses an id that it does not know, or no longer: an hour after its end. */
async function instances(instanceIds: readonly string[]): Promise<Map<string, InstanceSighting>> {
  const { Reservations } = await client.send(new DescribeInstancesCommand({ InstanceIds: [...instanceIds] }));
  const found = (Reservations ?? []).flatMap((reservation) => reservation.Instances ?? []);
  return new Map(
    found.map(({ InstanceId: instanceId = '', State, InstanceLifecycle, RootDeviceType, Tags = [] }) => [
      instanceId,
      {
        instanceId,
        state: State?.Name ?? 'unknown',
        autoScalingGroup: Tags.find(({ Key }) => Key === groupTag)?.Value ?? null,
        spot: InstanceLifecycle === 'spot',
        rootInInstanceStore: RootDeviceType === 'instance-store',
      },
    ]),
  );
}

/** The instances of these nodes; null when EC2 cannot be asked. */
export async function lookAtInstances(nodes: readonly ClusterNode[]): Promise<InstanceSighting[] | null> {
  try {
    return [...(await instances(nodes.map(({ instanceId }) => instanceId))).values()];
  } catch (error) {
    logger.warn('EC2 could not be asked', { error: String(error) });
    return null;
  }
}

/** What EC2 and SSM know of a node's host. A service that fails is one witness less, not the end. */
export async function lookAtHost({ instanceId }: ClusterNode): Promise<HostSighting> {
  const unasked = (service: string) => (error: unknown) => {
    logger.warn(`${service} could not be asked`, { error: String(error) });
    return null;
  };
  const [ec2, ssm] = await Promise.all([
    instances([instanceId]).catch(unasked('EC2')),
    agentsOnline([instanceId]).catch(unasked('SSM')),
  ]);
  return {
    instanceId,
    state: ec2?.get(instanceId)?.state ?? null,
    agentOnline: ssm === null ? null : ssm.has(instanceId),
  };
}

/** An instance that is seen to be off. */
export interface StoppedInstance {
  readonly instanceId: string;
  readonly state: string;
  /** When it was seen. */
  readonly at: string;
}

/** EC2 takes tens of seconds, and its API is throttled. */
const lookAgainMilliseconds = 400;

/** That EC2 does not know an instance proves nothing: its id may be wrong. */
function notAsked({ instanceId, name }: ClusterNode, error: Error): never {
  throw new OperatorError(
    'InstanceNotStopped',
    `EC2 does not say whether the instance ${instanceId} of ${name} is stopped: ${error.message}`,
    'If the instance was terminated, give its node the instance that has taken its place in clusters.json and deploy; then start the failover again.',
    { cause: error },
  );
}

/** Errors of StopInstances that no repetition cures: stop protection, one-time spot requests, instance-store roots. */
const finalRefusals = new Set(['OperationNotPermitted', 'UnsupportedOperation']);

function cannotStop(node: ClusterNode, error: Error): never {
  throw finalRefusals.has(error.name) ? refusedByEc2(node, error.message, error) : error;
}

const off = (state: string) => state === 'stopped' || state === 'terminated';

/**
 * Whether EC2 refuses the parameter and not the stop: where it came in 2025, a partition or a service in its place may not have it.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
 */
const refusesToSkip = ({ name, message }: Error) => name === 'UnknownParameter' || /SkipOsShutdown/i.test(message);

/**
 * Has EC2 take an instance's power. Force alone has it wait for the operating system's shutdown first, for minutes, and
 * cuts the power of what is then stuck; SkipOsShutdown cuts it now, and ends a shutdown that is under way. Both together
 * are for who must be sure that the instance stops.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-stop-methods.html
 */
async function takePower(instanceId: string): Promise<void> {
  const stop = { InstanceIds: [instanceId], Force: true };
  try {
    await client.send(new StopInstancesCommand({ ...stop, SkipOsShutdown: true }));
  } catch (error) {
    if (!(error instanceof Error) || !refusesToSkip(error)) throw error;
    logger.warn('EC2 does not skip the shutdown of the operating system: stopping takes minutes', {
      error: `${error}`,
    });
    await client.send(new StopInstancesCommand(stop));
  }
}

/**
 * Stops a node's instance without waiting for its operating system, and looks until it is off.
 *
 * @throws OperatorError InstanceNotStopped when it is not yet, or cannot be asked about; the call can be repeated
 * @throws OperatorError InstanceNotStoppable when it must not be, or EC2 refuses to
 */
export async function stopInstance(
  cluster: Cluster,
  node: ClusterNode,
  patienceMilliseconds: number,
): Promise<StoppedInstance> {
  const { instanceId, name } = node;
  let hurried = false;
  const look = async (): Promise<StoppedInstance> => {
    const instance = (await instances([instanceId]).catch((error: Error) => notAsked(node, error))).get(instanceId);
    const seen = instance?.state ?? 'unknown';
    if (off(seen)) return { instanceId, state: seen, at: new Date().toISOString() };
    // Asked again if somebody starts it meanwhile. One that is starting can be stopped only when it has started.
    if (instance?.state === 'running') {
      refuseToStopMember(cluster, node, instance);
      hurried = true;
      await takePower(instanceId).catch((error: Error) => cannotStop(node, error));
    }
    // One that stops without us may be shutting down for minutes, or be stuck in that. The proof comes by itself, so a
    // refusal to hurry it ends nothing.
    if (instance?.state === 'stopping' && instance.autoScalingGroup === null && !hurried) {
      hurried = true;
      await takePower(instanceId).catch((error: Error) => {
        logger.warn('EC2 does not hurry an instance that is stopping', { instanceId, error: `${error}` });
      });
    }
    await pause(lookAgainMilliseconds);
    throw new OperatorError(
      'InstanceNotStopped',
      `The instance ${instanceId} of ${name} was told to stop and is ${seen}.`,
      'Until EC2 reports it stopped, nothing proves that it accepts no writes. Look at it in the EC2 console (stop it by force), then start the failover again.',
    );
  };
  return retryUntil(patienceMilliseconds, look, (error) => error.name !== 'InstanceNotStoppable');
}
