import { deployedCluster } from '../adapters/cluster.ts';
import { environmentVariable } from '../adapters/environment.ts';
import {
  acquire,
  howToForgetEpoch,
  howToForgetLock,
  lockUnreadable,
  readLock,
  takeLock,
} from '../adapters/operation-lock.ts';
import { parseInput } from '../adapters/parse.ts';
import { isRunning } from '../adapters/runbook-tasks.ts';
import { OperatorError } from '../contract/errors.ts';
import { acquireLockInputSchema, type Operation } from '../contract/payloads.ts';
import { runbookInputSchemas } from '../contract/runbook-inputs.ts';
import { leaseSeconds } from '../contract/time-limits.ts';
import { nextEpoch } from '../domain/epochs.ts';

const cluster = deployedCluster();
const table = environmentVariable('STATE_TABLE');
const inputSchemas = runbookInputSchemas(cluster);

/** Checks the runbook's input, then takes the cluster's lock, also from an owner that no longer runs. */
export async function handler(event: unknown): Promise<Operation> {
  const { runbook, execution, input } = parseInput(acquireLockInputSchema, event, 'acquire-lock');
  const asked = parseInput(inputSchemas[runbook], input, `input of ${runbook}`);
  const now = new Date();
  const holder = { owner: execution, runbook, since: now.toISOString() };
  const outcome = await acquire(
    {
      read: () => readLock(table),
      take: (attempt) => takeLock(table, holder, leaseSeconds, attempt),
    },
    isRunning,
    (last) => nextEpoch(last, now, howToForgetEpoch(cluster.network.region, table)),
  );
  if ('epoch' in outcome) {
    return { owner: execution, epoch: outcome.epoch, nodes: cluster.nodes.map(({ name }) => name), input: asked };
  }
  const { heldBy } = outcome;
  if (heldBy === 'unreadable') {
    throw lockUnreadable(
      `Nothing was changed. See in the Step Functions console whether a runbook of ${cluster.name} runs, and wait for its end. When none runs, remove the lock and start this one again:\n${howToForgetLock(cluster.network.region, table)}`,
    );
  }
  throw new OperatorError(
    'AnotherRunbookRuns',
    `The ${heldBy?.runbook ?? 'other'} runbook of ${cluster.name} has been running since ${heldBy?.since ?? 'a moment ago'} (${heldBy?.owner ?? 'execution unknown'}).`,
    'Wait until it has ended, or stop that execution; then start this one again.',
  );
}
