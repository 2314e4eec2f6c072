/**
 * Names of errors and when each is raised. The names are API: Retry and Catch match on them, operators search for
 * them, `docs/errors.md` lists them. The message of an error says what was seen, its remedy what to do next.
 */
export const errorMeanings = {
  // Configuration and runbook input
  InvalidClusters: 'clusters.json is not what its schema asks for',
  InvalidDocument:
    'a command document would be refused on every host, or is not ASCII; seen when the stack is synthesized',
  InvalidInput: 'input of a runbook or function is not what its schema asks for',
  StateUnreadable: 'the lock in the state table cannot be read, as another version of this project may have written it',
  // One operation at a time
  AnotherRunbookRuns: 'the cluster’s lock is held by a running execution',
  // Reaching a host
  InstanceUnknownToSsm: 'SSM does not know the instance',
  HostUnreachable: 'SSM knows the instance and could not deliver the command',
  PrimaryUnreachable:
    'SSM could not deliver the command to the primary’s host, or a standby cannot connect to the primary',
  CommandTimedOut: 'the command ran longer than its document allows',
  CommandCancelled: 'someone cancelled the command',
  CommandFailed: 'the command ended without a result line; its output is quoted',
  CommandLate: 'the command reached the host after its not-after time',
  CommandSuperseded: 'the host has seen a command of a newer operation',
  EpochImplausible: 'the number of an operation, or what is remembered of it, cannot be right; nothing was changed',
  MemoryUnsafe:
    'others than root could write where a host remembers the operations that it has seen; nothing was changed',
  AnswerImplausible:
    'what PostgreSQL or another node answered, or a file holds, is not of the form that it must have; it was not used',
  FileUnreadable: 'a file that is to be changed cannot be read as the PostgreSQL user; it was not changed',
  HostBusy: 'another command of ours still runs on the host',
  // Host state found by preflight
  PreflightFailed: 'several nodes or kinds of problems; each is listed with its own name',
  OsUserMissing: 'the operating system user of PostgreSQL does not exist',
  PostgresNotInstalled: 'there is no PostgreSQL server in binDirectory',
  ProgramMissing: 'a program that the host needs is not there',
  WrongPostgresVersion: 'the installed PostgreSQL, or the data, is of another major version than clusters.json says',
  DataDirectoryNotEmpty: 'the data directory holds something that setup did not make; nothing was deleted',
  DataDirectoryIsMountPoint: 'nothing can be renamed into its place',
  DataDirectoryIsLink: 'it is a symbolic link: a copy is not put in its place',
  DataDirectoryNotWritable: 'the PostgreSQL user cannot write to its parent',
  ConfigurationOutsideDataDirectory: 'a base backup would not copy it',
  DiskTooSmall: 'the data, with some to spare, would not fit',
  PortInUse: 'something else listens on the port',
  SecretUnreadable: 'the host cannot read the replication secret, or it is malformed',
  ReplicationUserRefused: 'PostgreSQL refused the replication user; its words are quoted',
  PostgresNotAnswering: 'PostgreSQL runs and psql cannot ask it; its words are quoted',
  InitializationNotAllowed: 'every node is empty and initializeIfEmpty is false',
  NoPrimary: 'nodes hold a cluster and none of them is its primary',
  TwoPrimaries: 'more than one node could be the primary',
  WildcardSynchronousStandbyNames: 'synchronous_standby_names = *: a base backup would count as a standby',
  // Refusals of rejoin: only a person can decide
  NodeIsPrimary: 'the node that was to rejoin is the primary itself',
  NodeAheadOfPrimary: 'the node is on a later timeline than a primary that nobody follows: that may be a former one',
  DataUnidentified: 'nothing in the data directory says which cluster it belongs to',
  RebuildRefused: 'somebody refused the rebuild that rejoin asked for',
  RebuildNotApproved: 'nobody answered in time whether the node may be rebuilt',
  // On a host
  StandbysNotBuilt: 'several standbys failed in different ways; each is listed with its own name',
  InitializationFailed: 'initdb failed; its words are quoted',
  ConfigurationRefused: 'PostgreSQL refused a setting, or a line of pg_hba.conf',
  StartFailed: 'PostgreSQL did not start; the end of its log is quoted',
  TablespaceNotEmpty: 'a directory of a tablespace of the primary is not empty on the host that is to get a copy',
  BaseBackupFailed: 'pg_basebackup failed; its words are quoted',
  BaseBackupInvalid: 'the copy did not pass verification',
  WouldStartAsPrimary: 'standby.signal is missing: the node would start as a second primary',
  NotThePrimary: 'the node that was to be the primary is in recovery',
  DataDirectoryEmpty: 'the node has no data of PostgreSQL with which it could follow the primary',
  ControlFileUnreadable: 'pg_control is missing, or not what PostgreSQL writes',
  ForeignData: 'the data belongs to another cluster: its system identifier is not the primary’s',
  NodeDiverged: 'the node has, or may have, WAL that the primary lacks; rewind or rebuild it',
  NodeRunsAsPrimary: 'PostgreSQL accepts writes on the node, which must be stopped first',
  WalGone: 'the primary has removed WAL that the standby still needs',
  WalNotKept: 'the WAL that only this node has could not be copied aside',
  RewindFailed: 'pg_rewind failed; its words are quoted',
  DataDamaged: 'a rewind of this data did not end: only a rebuild helps',
  SqlFailed: 'a statement of ours failed; PostgreSQL’s words are quoted',
  DurableWriteFailed: 'a commit that waits for the synchronous standbys did not return in time',
  // Fencing and promoting
  NodeIsFenced: 'the node is a former primary that was fenced; it may lack what its successor has committed',
  StillRunning: 'processes of PostgreSQL cannot be ended',
  ShutdownTimedOut: 'PostgreSQL did not shut down in the time that it got',
  NotShutDownCleanly: 'PostgreSQL stopped, and its standbys may lack the end of its WAL',
  PrimaryNotRunning: 'the primary that was to be stopped cleanly does not run',
  StillFollowing: 'a standby’s WAL receiver does not end',
  WalEndUnknown: 'a standby was started anew and has not replayed all WAL on its disk: nobody knows how far it goes',
  StandbyLacksWal: 'the standby that was to be promoted does not have all WAL; nothing was promoted',
  PromotionFailed: 'PostgreSQL did not end recovery in time',
  // Writing without standbys
  NothingToAllow: 'commits do not wait for missing standbys, so there is nothing to allow',
  TooFewStandbys: 'fewer standbys have caught up than a commit needs: writes would block',
  CommitsStillWait: 'sessions wait for a standby although no rule asks for one',
  // Switchover and failover
  PrimaryIsHealthy: 'a failover was asked for and the primary answers',
  PrimaryStateUnknown: 'whether the primary is down cannot be told; nothing was changed',
  NoCandidate: 'there is no standby that could be promoted',
  DataLossPossible: 'acknowledged commits may be on none of the standbys that can be reached',
  InstanceNotStoppable:
    'the instance of a former primary must not be stopped, for its Auto Scaling group would terminate and replace it, or EC2 refuses to stop it',
  InstanceNotStopped: 'EC2 was told to stop the instance and does not report that it has',
  SwitchoverToPrimary: 'the node is the primary already',
  StandbyNotSynchronous: 'the node is no standby that synchronous_standby_names names and that streams',
  StandbyLagging: 'the node is too far behind; writers would wait for it',
  ClusterNotHealthy: 'a switchover needs a primary and standbys that all stream',
  SwitchoverAbandoned:
    'the switchover could not be finished; the former primary is the primary again, unless the cause says otherwise',
  // Over SQL
  StandbyNotStreaming: 'the primary has no streaming walsender for the standby',
  StandbyCatchingUp: 'it receives WAL, or replays what it has, and has not reached the primary’s position yet',
  StandbyNotCaughtUp: 'too few synchronous standbys have flushed the WAL up to the position at which the rule was set',
  ClusterUnobservable: 'the primary could not be asked over SQL',
} as const;

export type ErrorName = keyof typeof errorMeanings;

export const errorNames = Object.keys(errorMeanings) as ErrorName[];

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
