import { writeAllowance } from '../adapters/allowance-store.ts';
import { environmentVariable } from '../adapters/environment.ts';
import { parseInput } from '../adapters/parse.ts';
import { recordAllowanceInputSchema } from '../contract/payloads.ts';

const table = environmentVariable('STATE_TABLE');

/** Records for how long commits may return without a standby, or that they may no longer. */
export async function handler(event: unknown): Promise<void> {
  const input = parseInput(recordAllowanceInputSchema, event, 'record-allowance');
  await writeAllowance(table, 'allowance' in input ? input.allowance : null);
}
