/**
 * Names of errors. They are API: Retry and Catch match on them, operators search for them, the README lists them.
 * The comment says when each is raised; the message says what was seen, the remedy what to do next.
 */
export const errorNames = [
  // Configuration and runbook input
  'InvalidClusters', // clusters.json is not what its schema asks for
  'InvalidInput', // input of a runbook or function is not what its schema asks for
  // One operation at a time
  'AnotherRunbookRuns', // the cluster's lock is held by a running execution
  'LockLost', // the lock passed to another execution while this one ran
  // Reaching a host
  'InstanceUnknownToSsm', // SSM does not know the instance
  'HostUnreachable', // SSM knows the instance and could not deliver the command
  'PrimaryUnreachable', // the same of the primary, or a standby cannot connect to it
  'CommandTimedOut', // the command ran longer than its document allows
  'CommandCancelled', // someone cancelled the command
  'CommandFailed', // the command ended without a result line; its output is quoted
  'CommandLate', // the command reached the host after its not-after time
  'CommandSuperseded', // the host has seen a command of a newer operation
  'HostBusy', // another command of ours still runs on the host
  // Host state found by preflight
  'PreflightFailed', // several nodes or kinds of problems; each is listed with its own name
  'OsUserMissing',
  'PostgresNotInstalled',
  'ProgramMissing',
  'WrongPostgresVersion',
  'DataDirectoryNotEmpty',
  'DataDirectoryIsMountPoint',
  'DataDirectoryNotWritable',
  'ConfigurationOutsideDataDirectory',
  'DiskTooSmall',
  'PortInUse',
  'SecretUnreadable',
  'ReplicationUserRefused', // PostgreSQL refused the replication user; its words are quoted
  'PostgresNotAnswering', // PostgreSQL runs and psql cannot ask it; its words are quoted
  'InitializationNotAllowed', // every node is empty and initializeIfEmpty is false
  'NoPrimary', // nodes hold a cluster and none of them is its primary
  'TwoPrimaries', // more than one node could be the primary
  'WildcardSynchronousStandbyNames', // synchronous_standby_names = *: a base backup would count as a standby
  // On a host
  'StandbysNotBuilt', // several standbys failed in different ways; each is listed with its own name
  'InitializationFailed', // initdb
  'ConfigurationRefused', // PostgreSQL refused a setting
  'StartFailed', // PostgreSQL did not start; the end of its log is quoted
  'BaseBackupFailed', // pg_basebackup; its words are quoted
  'BaseBackupInvalid', // the copy did not pass verification
  'WouldStartAsPrimary', // standby.signal is missing: the node would start as a second primary
  'NotThePrimary', // the node that was to be the primary is in recovery
  'SqlFailed', // a statement of ours failed; PostgreSQL's words are quoted
  'DurableWriteFailed', // a commit that waits for the synchronous standbys did not return in time
  // Over SQL
  'StandbyNotStreaming',
  'StandbyCatchingUp', // it receives WAL and has not reached the primary's position yet
  'StandbyNotCaughtUp',
  'ClusterUnobservable', // the primary could not be asked over SQL
] as const;

export type ErrorName = (typeof errorNames)[number];

/**
 * An error for people: `name` is stable, `message` says what was seen, `remedy` what to do next.
 * Lambda reports `name` as the error of a failed task, so Step Functions can match on it.
 */
export class OperatorError extends Error {
  override readonly name: ErrorName;
  readonly remedy: string;

  constructor(name: ErrorName, message: string, remedy: string, options?: ErrorOptions) {
    super(remedy === '' ? message : `${message}\n${remedy}`, options);
    this.name = name;
    this.remedy = remedy;
  }
}
