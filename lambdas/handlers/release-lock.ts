import * as z from 'zod';
import { environmentVariable } from '../adapters/environment.ts';
import { logger } from '../adapters/logger.ts';
import { returnLock } from '../adapters/operation-lock.ts';
import { parseInput } from '../adapters/parse.ts';
import { executionEndedEventSchema, releaseLockInputSchema } from '../contract/payloads.ts';
import { type Explanation, explainFailure } from '../domain/failure.ts';

const table = environmentVariable('STATE_TABLE');
const inputSchema = z.union([releaseLockInputSchema, executionEndedEventSchema]);

/**
 * Gives the cluster's lock back: as the last step of a runbook, and again when EventBridge reports that an execution
 * has failed, timed out or was stopped. Returns the failure, if there is one, in words for the operator.
 */
export async function handler(event: unknown): Promise<Explanation | null> {
  const input = parseInput(inputSchema, event, 'release-lock');
  const execution = 'detail' in input ? input.detail.executionArn : input.execution;
  logger.info('lock', { execution, returned: await returnLock(table, execution) });
  return 'detail' in input || input.failure === undefined ? null : explainFailure(input.failure);
}
