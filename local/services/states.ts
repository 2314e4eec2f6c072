/** AWS Step Functions: executions, their history, task tokens. */
import * as z from 'zod';
import type { ExecutionRecord } from '../executions/execution-store.ts';
import type { HistoryEvent } from '../executions/history.ts';
import type { StateMachines } from '../executions/state-machines.ts';
import type { TaskTokens } from '../executions/task-tokens.ts';
import { AwsError } from '../protocols/aws-error.ts';
import { operation, page, type Service } from './service.ts';

const paging = { maxResults: z.int().min(0).max(1000).optional(), nextToken: z.string().optional() };
const executionName = z
  .string()
  .min(1)
  .max(80)
  .regex(/^[^\s\p{Cc}<>{}[\]?*"#%\\^|~`$&,;:/]+$/u, 'holds characters that a name must not');

function summary(record: ExecutionRecord) {
  const { executionArn, stateMachineArn, name, status, startDate, stopDate } = record;
  return { executionArn, stateMachineArn, name, status, startDate, stopDate };
}

/** An event without inputs and outputs; a task's parameters may be empty and not missing. */
function withoutData(event: HistoryEvent): object {
  return Object.fromEntries(
    Object.entries(event).map(([key, value]) => {
      if (!key.endsWith('Details')) return [key, value];
      const { input: _input, output: _output, parameters, ...rest } = value as Record<string, unknown>;
      return [key, parameters === undefined ? rest : { ...rest, parameters: '' }];
    }),
  );
}

function parseOutput(output: string): unknown {
  try {
    return JSON.parse(output);
  } catch {
    throw new AwsError('InvalidOutput', `Invalid Output: '${output.slice(0, 100)}' is not JSON`);
  }
}

/** The Step Functions API over the state machines of the assembly. */
export function statesService(machines: StateMachines, tokens: TaskTokens): Service {
  const token = z.string().min(1).max(2048);
  return {
    name: 'states',
    protocol: 'json',
    operations: {
      ListStateMachines: operation(z.strictObject(paging), ({ maxResults, nextToken }, { region }) => {
        const { items, nextToken: next } = page(machines.list(region), maxResults, nextToken, 1000);
        return {
          stateMachines: items.map(({ arn, name, created }) => ({
            stateMachineArn: arn,
            name,
            type: 'STANDARD',
            creationDate: created,
          })),
          nextToken: next,
        };
      }),
      DescribeStateMachine: operation(z.strictObject({ stateMachineArn: z.string() }), ({ stateMachineArn }) => {
        const { arn, name, definition, roleArn, created } = machines.find(stateMachineArn);
        return {
          stateMachineArn: arn,
          name,
          status: 'ACTIVE',
          definition,
          roleArn,
          type: 'STANDARD',
          creationDate: created,
        };
      }),
      StartExecution: operation(
        z.strictObject({
          stateMachineArn: z.string(),
          name: executionName.optional(),
          input: z.string().max(262_144).default('{}'),
          traceHeader: z.string().optional(),
        }),
        ({ stateMachineArn, name, input }) => {
          const { executionArn, startDate } = machines.start(stateMachineArn, name, input);
          return { executionArn, startDate };
        },
      ),
      DescribeExecution: operation(
        z.strictObject({ executionArn: z.string(), includedData: z.literal('ALL_DATA').optional() }),
        ({ executionArn }) => {
          const record = machines.execution(executionArn);
          const output = record.output === undefined ? {} : { outputDetails: { included: true } };
          return {
            ...record,
            inputDetails: { included: true },
            ...output,
            redriveCount: 0,
            redriveStatus: 'NOT_REDRIVABLE',
            redriveStatusReason: 'The local runtime does not redrive',
          };
        },
      ),
      GetExecutionHistory: operation(
        z.strictObject({
          executionArn: z.string(),
          reverseOrder: z.boolean().default(false),
          includeExecutionData: z.boolean().default(true),
          ...paging,
        }),
        ({ executionArn, reverseOrder, includeExecutionData, maxResults, nextToken }) => {
          const history = machines.history(executionArn);
          const ordered = reverseOrder ? history.toReversed() : history;
          const { items, nextToken: next } = page(ordered, maxResults ?? 100, nextToken, 1000);
          return { events: includeExecutionData ? items : items.map(withoutData), nextToken: next };
        },
      ),
      ListExecutions: operation(
        z.strictObject({
          stateMachineArn: z.string(),
          statusFilter: z.enum(['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED']).optional(),
          ...paging,
        }),
        ({ stateMachineArn, statusFilter, maxResults, nextToken }) => {
          machines.find(stateMachineArn);
          const all = machines.executions(stateMachineArn, statusFilter).map(summary);
          const { items, nextToken: next } = page(all, maxResults ?? 100, nextToken, 1000);
          return { executions: items, nextToken: next };
        },
      ),
      StopExecution: operation(
        z.strictObject({
          executionArn: z.string(),
          error: z.string().max(256).optional(),
          cause: z.string().max(32_768).optional(),
        }),
        async ({ executionArn, error, cause }) => ({
          stopDate: await machines.stop(executionArn, {
            ...(error === undefined ? {} : { error }),
            ...(cause === undefined ? {} : { cause }),
          }),
        }),
      ),
      SendTaskSuccess: operation(
        z.strictObject({ taskToken: token, output: z.string().max(262_144) }),
        ({ taskToken, output }) => {
          tokens.succeed(taskToken, parseOutput(output));
          return {};
        },
      ),
      SendTaskFailure: operation(
        z.strictObject({
          taskToken: token,
          error: z.string().max(256).default(''),
          cause: z.string().max(32_768).default(''),
        }),
        ({ taskToken, error, cause }) => {
          tokens.fail(taskToken, error, cause);
          return {};
        },
      ),
      SendTaskHeartbeat: operation(z.strictObject({ taskToken: token }), ({ taskToken }) => {
        tokens.check(taskToken);
        return {};
      }),
    },
  };
}
