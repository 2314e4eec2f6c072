/** What `inspect-node` reports of a node that is to rejoin: facts only, judged by `domain/rejoin-plan.ts`. */
import * as z from 'zod';
import { dataDirectoryStates } from './node-commands.ts';

export const nodeInspectionSchema = z.object({
  /** The primary as this node sees it, through the login of replication. */
  primary: z.object({
    systemIdentifier: z.string(),
    timeline: z.number(),
    lsn: z.string(),
    /** Oldest segment in the primary's pg_wal: its name without the timeline. */
    oldestSegment: z.string(),
    segmentBytes: z.number(),
    /** Size of all databases that the replication user may connect to. */
    dataBytes: z.number(),
    /** This node's replication slot; null when there is none. */
    slot: z.object({ active: z.boolean(), lost: z.boolean() }).nullable(),
  }),
  dataDirectory: z.object({
    state: z.enum(dataDirectoryStates),
    /** Up to five names found in a directory that is neither empty nor PostgreSQL's. */
    sample: z.array(z.string()),
    isMountPoint: z.boolean(),
    /** Where its path leads if that is a symbolic link, else null. */
    linkTo: z.string().nullable(),
    /** Contents of PG_VERSION. */
    majorVersion: z.string().nullable(),
    /** System identifier in the headers of its WAL; null when there is no WAL. */
    systemIdentifier: z.string().nullable(),
    standbySignal: z.boolean(),
    /** It has the primary’s oldest segment itself, or the one before, however old the control file’s position is. */
    hasOldestSegment: z.boolean(),
  }),
  /** The control file; null when it cannot be believed, or there is none. */
  control: z
    .object({
      systemIdentifier: z.string(),
      /** As pg_controldata names it, such as `shut down in recovery`. */
      state: z.string(),
      timeline: z.number(),
      checkpoint: z.string(),
      recoveryEnd: z.string(),
      /** wal_log_hints or checksums: pg_rewind needs one; null when no program of this version tells. */
      hintsLogged: z.boolean().nullable(),
    })
    .nullable(),
  controlFailure: z.string().nullable(),
  /** PostgreSQL that runs there; null when none does. What it did not answer is null. */
  server: z
    .object({
      inRecovery: z.boolean().nullable(),
      timeline: z.number().nullable(),
      lsn: z.string().nullable(),
      /** Status of its WAL receiver if that is connected to the primary. */
      receiver: z.string().nullable(),
      /** Nodes of the cluster that stream from this one. */
      followers: z.number(),
      /** Why it could not be asked. */
      failure: z.string().nullable(),
    })
    .nullable(),
  /** It is, or when it starts will be, connected to the primary under its own name and slot. */
  follows: z.boolean(),
  /** What it has that the primary lacks, in words; null when nothing is known to differ. */
  diverged: z.string().nullable(),
  /** What a command left unfinished that was changing the data, in words. */
  damaged: z.string().nullable(),
  /** Directories of the primary's tablespaces that hold something on this host: a base backup would refuse them. */
  occupiedTablespaces: z.array(z.string()),
  /** It has the mark of a fenced node. */
  fenced: z.boolean(),
  /** PostgreSQL starts when the host boots. */
  enabled: z.boolean(),
  /** Data that a rebuild has set aside is still there and may be discarded once the node streams. */
  formerData: z.boolean(),
  /** Something else than this node's own PostgreSQL listens on its port. */
  portTakenBy: z.string().nullable(),
  /** Where a copy would be made, without what is left of an earlier one that was not finished. */
  freeBytes: z.number(),
  busyWith: z.string().nullable(),
});

export type NodeInspection = z.infer<typeof nodeInspectionSchema>;
