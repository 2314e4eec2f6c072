/**
 * Node commands: what a runbook can ask of a host. Each is one SSM command document, one bash script, one verb.
 *
 * infra makes the documents from this table, the handlers fill in the parameters, the scripts answer with one
 * {@link NodeCommandResult} in the last line of their output.
 */
import * as z from 'zod';

/**
 * A document parameter. SSM and its agent on the host refuse a value that does not match `allowedPattern`, which is to
 * cover the whole value. It is written for the agent's regular expressions, RE2: synthesis checks that.
 */
export interface CommandParameter {
  readonly description: string;
  readonly allowedPattern: string;
  /** Its value may be empty: then the command carries {@link emptyValue}, and the script has an empty variable. */
  readonly mayBeEmpty?: boolean;
}

/**
 * What a command carries for an empty value. Nothing says whether SSM and its agent hand on an empty parameter, so none
 * is ever sent, and no pattern matches one: synthesis checks that.
 */
export const emptyValue = '-';

/** What a node command is, apart from its script. */
export interface NodeCommandDefinition {
  /** One line for the SSM console. */
  readonly summary: string;
  /** A mutating command is refused on its host when it is late or its operation is no longer the newest. */
  readonly mutating: boolean;
  /** Longest run, in seconds (SSM: 5 to 172800). */
  readonly executionTimeoutSeconds: number;
  /** Parameters beyond those of {@link commonParameters}; `$NODES` in a pattern stands for the cluster's node names. */
  readonly parameters: Readonly<Record<string, CommandParameter>>;
  /** For people, who send it by hand: no runbook does, and no function may. */
  readonly byHand?: true;
}

/** Placeholder in a pattern: infra puts the alternation of the cluster's node names there. */
export const nodesPlaceholder = '$NODES';

const primaryParameter = {
  Primary: { description: 'Node that is the primary', allowedPattern: `^(?:${nodesPlaceholder})$` },
} as const;

/**
 * How far the epoch of an operation may be ahead of a clock, in seconds; what is further ahead is refused before it is
 * remembered, or one bad number would lock a host for good. Far more than clocks differ where AWS can be used at all:
 * it refuses requests that were signed more than 5 minutes ago.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
 */
export const mostAheadSeconds = 3600;

/** Parameters that every document has. */
export const commonParameters = {
  Node: { description: 'Node that this host is', allowedPattern: `^(?:${nodesPlaceholder})$` },
  TaskToken: {
    description: 'Step Functions task that waits for this command; - when none does',
    allowedPattern: '^(?:-|[A-Za-z0-9+/=_.:-]{8,})$',
  },
  NotAfter: {
    description: 'Unix time in seconds after which the command must not start',
    allowedPattern: '^[0-9]{10}$',
  },
  Epoch: {
    description:
      'Number of the operation that sends the command, a time in seconds since 1970; a host refuses one older than it has seen, and one far ahead of its clock',
    allowedPattern: '^[0-9]{1,12}$',
  },
} as const satisfies Record<string, CommandParameter>;

/** Standby names rendered as synchronous_standby_names: `FIRST 1 ("a","b")`; empty switches synchronous replication off. */
const standbyNamesPattern =
  '^(?:-|(?:FIRST|ANY) [1-9][0-9]? \\("[A-Za-z0-9_.-]{1,63}"(?:,"[A-Za-z0-9_.-]{1,63}")*\\))$';

const standbyNamesParameter = {
  StandbyNames: {
    description: 'Value of synchronous_standby_names; - for none',
    allowedPattern: standbyNamesPattern,
    mayBeEmpty: true,
  },
} as const;

export const nodeCommands = {
  preflight: {
    summary: 'Reports what is on the host: versions, directories, disk, PostgreSQL state. Changes nothing.',
    mutating: false,
    executionTimeoutSeconds: 60,
    parameters: {},
  },
  'inspect-node': {
    summary: 'Reports all that a rejoin needs to know of a node: data, control file, WAL, server. Changes nothing.',
    mutating: false,
    executionTimeoutSeconds: 60,
    parameters: primaryParameter,
  },
  'configure-standby': {
    summary:
      'Sets on a running standby what its primary is going to get: limits, settings, pg_hba.conf. Restarts it if they need it.',
    mutating: true,
    executionTimeoutSeconds: 1200,
    parameters: {},
  },
  'configure-primary': {
    summary:
      'Initializes PostgreSQL if its directory is empty, starts it, and sets what synchronous replication needs.',
    mutating: true,
    executionTimeoutSeconds: 900,
    parameters: {},
  },
  'ensure-roles-and-slots': {
    summary: 'Creates the replication and monitoring roles and one replication slot per standby, where missing.',
    mutating: true,
    executionTimeoutSeconds: 120,
    parameters: primaryParameter,
  },
  'take-base-backup': {
    summary: 'Clones the primary into a directory beside the data directory, verifies it and puts it in place.',
    mutating: true,
    executionTimeoutSeconds: 172800,
    parameters: primaryParameter,
  },
  'follow-primary': {
    summary: 'Makes a stopped node a standby of the primary without copying, if it has no WAL that the primary lacks.',
    mutating: true,
    executionTimeoutSeconds: 120,
    parameters: primaryParameter,
  },
  'checkpoint-primary': {
    summary: "Has the primary's control file name its timeline, by which pg_rewind goes.",
    mutating: true,
    executionTimeoutSeconds: 600,
    parameters: {},
  },
  'keep-diverged-wal': {
    summary: 'Copies the WAL that only this node has beside its data, with a summary.',
    mutating: true,
    executionTimeoutSeconds: 1800,
    parameters: primaryParameter,
  },
  'rewind-node': {
    summary: "Takes the stopped node back to where its history and the primary's part, with pg_rewind.",
    mutating: true,
    executionTimeoutSeconds: 43200,
    parameters: primaryParameter,
  },
  'rebuild-node': {
    summary: "Clones the primary beside the node's old data, verifies it, puts it in place and keeps the old data.",
    mutating: true,
    executionTimeoutSeconds: 172800,
    parameters: primaryParameter,
  },
  'discard-former-data': {
    summary: 'Removes data that was replaced on this node, once it streams.',
    mutating: true,
    executionTimeoutSeconds: 3600,
    parameters: primaryParameter,
  },
  'start-standby': {
    summary: 'Starts PostgreSQL as a standby of the primary under its own name.',
    mutating: true,
    executionTimeoutSeconds: 900,
    parameters: primaryParameter,
  },
  'set-synchronous-standbys': {
    summary: 'Sets synchronous_standby_names on the primary.',
    mutating: true,
    executionTimeoutSeconds: 60,
    parameters: standbyNamesParameter,
  },
  'prove-durable-write': {
    summary: 'Commits one transaction that waits for the synchronous standbys, and reports how long it took.',
    mutating: true,
    executionTimeoutSeconds: 60,
    parameters: {},
  },
  'fence-primary': {
    summary: 'Stops PostgreSQL on a primary that is to be replaced, and keeps it from starting again.',
    mutating: true,
    executionTimeoutSeconds: 420,
    parameters: {
      Mode: {
        description: 'clean: a clean shutdown or none; any: whatever it takes',
        allowedPattern: '^(?:clean|any)$',
      },
    },
  },
  'return-primary': {
    summary: 'Lets a fenced primary be the primary again, when no other node was promoted.',
    mutating: true,
    executionTimeoutSeconds: 600,
    parameters: {
      Start: { description: 'Whether to start PostgreSQL there', allowedPattern: '^(?:yes|no)$' },
    },
  },
  'stop-following': {
    summary:
      "Ends a standby's streaming, so that no commit is acknowledged because of it, and reports how far its WAL goes.",
    mutating: true,
    executionTimeoutSeconds: 180,
    parameters: standbyNamesParameter,
  },
  'resume-following': {
    summary: 'Points a standby that stopped following back to its primary, whether that runs or not.',
    mutating: true,
    executionTimeoutSeconds: 180,
    parameters: primaryParameter,
  },
  'prepare-promotion': {
    summary: 'Gives a standby what it needs as a primary: slots, settings, pg_hba.conf, and the rule for its commits.',
    mutating: true,
    executionTimeoutSeconds: 120,
    parameters: standbyNamesParameter,
  },
  promote: {
    summary:
      'Makes a standby the primary, if it has the WAL up to a position; the rule for its commits is in force before.',
    mutating: true,
    executionTimeoutSeconds: 720,
    parameters: {
      ...standbyNamesParameter,
      MinimumLsn: {
        description: 'Position beyond which the standby must have WAL',
        allowedPattern: '^[0-9A-F]{1,8}/[0-9A-F]{1,8}$',
      },
    },
  },
} as const satisfies Record<string, NodeCommandDefinition>;

export type NodeCommandName = keyof typeof nodeCommands;

export const nodeCommandNames = Object.keys(nodeCommands) as NodeCommandName[];

/** True for a command that people send by hand, and nobody else. */
export const isByHand = (command: NodeCommandName): boolean => 'byHand' in nodeCommands[command];

/** Last line of a script's output. */
export const nodeCommandResultSchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), result: z.record(z.string(), z.json()) }),
  z.object({ ok: z.literal(false), error: z.string(), message: z.string(), remedy: z.string() }),
]);

export type NodeCommandResult = z.infer<typeof nodeCommandResultSchema>;

/** An error that did not end its command, which had more urgent things to do. */
export const commandFailureSchema = z.object({ error: z.string(), message: z.string(), remedy: z.string() });
export type CommandFailure = z.infer<typeof commandFailureSchema>;

/**
 * What `start-standby` and `promote` answer: why the node's settings, certificate or pg_hba.conf could not be brought up
 * to date; null, or missing, when they are.
 */
export const configuredSchema = z.looseObject({ configurationFailure: commandFailureSchema.nullish() });

/** State of a data directory as `preflight` finds it. */
export const dataDirectoryStates = ['absent', 'empty', 'postgres', 'other'] as const;

/** Facts that `preflight` reports as its result; judged by `domain/preflight.ts`, never on the host. */
export const preflightFactsSchema = z.object({
  /** Operating system user exists. */
  osUserExists: z.boolean(),
  /** Programs that the cluster needs and that are not there, as paths. */
  missingPrograms: z.array(z.string()),
  /** `postgres --version` of binDirectory, such as `15.18`; null when it cannot run. */
  postgresVersion: z.string().nullable(),
  dataDirectory: z.object({
    state: z.enum(dataDirectoryStates),
    /** Up to five names found in a directory that is neither empty nor PostgreSQL's. */
    sample: z.array(z.string()),
    isMountPoint: z.boolean(),
    /** Where its path leads if that is a symbolic link, else null. */
    linkTo: z.string().nullable(),
    /** The first existing directory at or above its parent can be written by the PostgreSQL user. */
    parentWritable: z.boolean(),
    /** Contents of PG_VERSION, null unless state is postgres. */
    majorVersion: z.string().nullable(),
    /** System identifier of pg_control as a decimal string, null unless state is postgres. */
    systemIdentifier: z.string().nullable(),
    standbySignal: z.boolean(),
    bytes: z.number(),
  }),
  /** Free bytes where a copy would be made, without what is left of an earlier one that was not finished. */
  freeBytes: z.number(),
  server: z.object({
    running: z.boolean(),
    /** pg_is_in_recovery(), null when not running or not answering. */
    inRecovery: z.boolean().nullable(),
    /** Path of the configuration file that the running server uses, null when not running. */
    configFile: z.string().nullable(),
    /** synchronous_standby_names of the running server, null when not running. */
    synchronousStandbyNames: z.string().nullable(),
    /** What psql said when it could not ask, else null. */
    failure: z.string().nullable(),
  }),
  /** Something else than this node's own PostgreSQL listens on its port. */
  portTakenBy: z.string().nullable(),
  secret: z.object({
    /** User named in the replication secret, null when it could not be read. */
    user: z.string().nullable(),
    /** Why the secret could not be read, else null. */
    failure: z.string().nullable(),
    /** If the user is not the configured one: what the other nodes' PostgreSQL says to it, word for word. */
    refusals: z.array(z.string()),
  }),
  /** A command of an earlier operation that still runs on this host, null when none. */
  busyWith: z.string().nullable(),
});

export type PreflightFacts = z.infer<typeof preflightFactsSchema>;
