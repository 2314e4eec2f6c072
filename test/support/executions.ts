import { DescribeExecutionCommand, paginateGetExecutionHistory } from '@aws-sdk/client-sfn';
import { waitFor } from '../../local/client/wait-for.ts';
import type { LocalRuntime } from './local-runtime.ts';

/**
 * Waits until an execution has entered a step.
 *
 * @throws Error when it ends before
 */
export async function stepEntered({ clients }: LocalRuntime, executionArn: string, step: string): Promise<void> {
  await waitFor(`entry of ${step}`, 60, async () => {
    const { status, error, cause } = await clients.sfn.send(new DescribeExecutionCommand({ executionArn }));
    for await (const { events } of paginateGetExecutionHistory({ client: clients.sfn }, { executionArn })) {
      if (events?.some((event) => event.stateEnteredEventDetails?.name === step)) return true;
    }
    if (status !== 'RUNNING') throw new Error(`${status} before ${step}: ${error}: ${cause}`);
    return null;
  });
}
