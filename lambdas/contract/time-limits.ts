/**
 * Time limits that AWS's pace bears on, in seconds. What happens within each of them, and how long that takes on AWS at its
 * slowest, is in local/pace/time-budgets.ts: a test compares the two.
 */

/**
 * How long SSM may take to deliver a command before it does not start it any more (30 at least): short, so that a late
 * command is a lost one.
 */
export const deliverySeconds = 60;

/** A host refuses a command that starts later than this after it was sent: as much again, for clocks that differ. */
export const notAfterSeconds = 2 * deliverySeconds;

/**
 * What a step may take beyond the longest run of its command: until the script starts, and from its end until the task is
 * completed, by the sweep if the event is lost.
 */
export const commandOverheadSeconds = 180;

/**
 * A primary's host that SSM hears of stops its PostgreSQL within this; else EC2 takes its power. It is also what a failover
 * waits for a host that has died and that SSM still believes to be online.
 */
export const fenceOnHostSeconds = 50;

/**
 * SSM answers within this what became of a fencing command that was given up, or EC2 takes the host's power. The event of
 * the command's end may have been lost, and SSM may know its result later than it has told of its end (10 s).
 */
export const lastQuestionSeconds = 20;

/** Standbys that were seen a moment ago stop following within this, or count as ones that cannot be asked. */
export const stopFollowingSeconds = 180;

/** A fence that is not lifted within this stays: rejoin lifts it. */
export const liftFenceSeconds = 180;

/** Longer than any function's own timeout, so that Lambda's error is the one that is reported. */
export const functionStepSeconds = 90;

/** EC2 has stopped an instance within this, its operating system's shutdown included, or the failover ends. */
export const instanceStopSeconds = 900;

/**
 * Standbys of a primary that has died notice it within this: wal_receiver_timeout (8 s) and two looks of the observer, of
 * which each waits 3 s for the node that does not answer.
 */
export const receiversNoticeSeconds = 15;

/** A command whose host SSM has not heard of for so long is given up: the agent reports its health every five minutes. */
export const lostContactSeconds = 15 * 60;

/**
 * How far ahead checks are asked for. A schedule of one minute may be late by 59 s and skip one: three minutes bridge both,
 * and what the function then takes.
 */
export const checkHorizonSeconds = 190;

/** How long the queue keeps a check, counted from the request for it: one that is late by more than a minute is worthless. */
export const checkRetentionSeconds = 300;

/** Longest run of a runbook: a base backup may take two days, the longest that SSM allows. */
export const runbookSeconds = 3 * 24 * 3600;

/**
 * How long the lock is held for an owner that can no longer be asked about: longer than any runbook may run, and than AWS
 * takes to end one and to tell of it.
 */
export const leaseSeconds = runbookSeconds + 3600;
