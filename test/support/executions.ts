import { paginateGetExecutionHistory } from '@aws-sdk/client-sfn';
import { waitFor } from '../../local/client/wait-for.ts';
import type { LocalRuntime } from './local-runtime.ts';

/** Waits until an execution has entered a step. */
export async function stepEntered(runtime: LocalRuntime, executionArn: string, step: string): Promise<void> {
  await waitFor(`entry of ${step}`, 60, async () => {
    for await (const { events } of paginateGetExecutionHistory({ client: runtime.clients.sfn }, { executionArn })) {
      if (events?.some((event) => event.stateEnteredEventDetails?.name === step)) return true;
    }
    return null;
  });
}
