/** Names of a cluster's AWS resources. They are part of the user's interface: runbooks are started by name. */
import type { NodeCommandName } from './node-commands.ts';

/** Runbooks (Step Functions state machines) of a cluster, in the order in which an operator meets them. */
export const runbookNames = [
  'setup',
  'rejoin',
  'switchover',
  'failover',
  'maintenance',
  'allow-async',
  'resume-sync',
] as const;
export type RunbookName = (typeof runbookNames)[number];

/** Runbooks that work on hosts: they take the lock of the cluster and send commands. Maintenance does neither. */
export const workingRunbooks = runbookNames.filter((name) => name !== 'maintenance');

/** Runbooks that the checker may start by itself, where the cluster's policy says so. */
export const automaticRunbooks = [
  'failover',
  'rejoin',
  'allow-async',
  'resume-sync',
] as const satisfies readonly RunbookName[];
export type AutomaticRunbook = (typeof automaticRunbooks)[number];

/** CloudWatch alarms of a cluster. */
export type AlarmName = 'checker-stopped' | 'checker-failing' | 'status';

/** Items of a cluster's state table, by what each holds. A function that uses one of them has rights to no other. */
export const stateItems = {
  /** The lock, and who holds it. */
  operation: 'operation',
  /** Commands that were sent and have not ended. */
  commands: 'commands',
  /** What the checker remembers. */
  checker: 'checker',
  /** The allowance to commit without standbys. */
  allowance: 'allowance',
} as const;
export type StateItem = keyof typeof stateItems;

/** Resource names of one cluster, all prefixed with the cluster's name. */
export function resourceNames(cluster: string) {
  return {
    stack: cluster,
    runbookPrefix: `${cluster}-`,
    runbook: (runbook: RunbookName) => `${cluster}-${runbook}`,
    document: (command: NodeCommandName) => `${cluster}-${command}`,
    function: (name: string) => `${cluster}-${name}`,
    topic: `${cluster}-alerts`,
    stateTable: `${cluster}-state`,
    checksQueue: `${cluster}-checks`,
    alarm: (alarm: AlarmName) => `${cluster}-${alarm}`,
    dashboard: cluster,
    replicationSecret: `${cluster}/replication`,
    monitoringSecret: `${cluster}/monitoring`,
    commandLogGroup: `/${cluster}/commands`,
    runbookLogGroup: (runbook: RunbookName) => `/aws/vendedlogs/states/${cluster}-${runbook}`,
    hostPolicy: `${cluster}-host`,
  } as const;
}
