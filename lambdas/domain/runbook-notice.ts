/** From a runbook's own step, or the event of its end, to the notice of it. */
import type { Cluster } from '../contract/cluster-config.ts';
import { resourceNames, runbookNames } from '../contract/names.ts';
import type { RunbookNotice } from '../contract/notices.ts';
import type { AnnounceRunbookInput, ExecutionEnd, Failure } from '../contract/payloads.ts';
import { type Explanation, explainFailure } from './failure.ts';

/** What of a runbook's output is for people: warnings, its summary, and the table of replication. */
function reportOf(output: Readonly<Record<string, unknown>>): string[] {
  const linesOf = (value: unknown): string[] =>
    Array.isArray(value) ? value.filter((line) => typeof line === 'string') : typeof value === 'string' ? [value] : [];
  const warnings = linesOf(output.warnings).map((line) => `Warning: ${line}`);
  const parts = [warnings, linesOf(output.summary), linesOf(output.replication)].filter((part) => part.length > 0);
  return parts.flatMap((part, index) => (index === 0 ? part : ['', ...part]));
}

export function noticeOf(input: AnnounceRunbookInput): RunbookNotice {
  const { runbook, execution, operation } = input;
  const asked = Object.fromEntries(Object.entries(operation.input).filter(([name]) => name !== 'Comment'));
  const common = { runbook, execution, input: asked };
  switch (input.phase) {
    case 'started':
      return { ...common, kind: 'runbook-started', failure: null, report: [] };
    case 'succeeded':
      return { ...common, kind: 'runbook-succeeded', failure: null, report: reportOf(input.output) };
    case 'failed':
      return { ...common, kind: 'runbook-failed', failure: input.outcome, report: [] };
  }
}

/**
 * The notice of an end that the runbook could not tell of itself.
 *
 * @param failure the error that ended it, when it has failed
 * @throws RangeError when the execution is none of this cluster's runbooks
 */
export function noticeOfEnd(cluster: Cluster, end: ExecutionEnd, failure: Failure | null): RunbookNotice {
  const runbook = runbookNames.find((name) =>
    end.stateMachineArn.endsWith(`:${resourceNames(cluster.name).runbook(name)}`),
  );
  if (runbook === undefined) throw new RangeError(`${end.stateMachineArn} is no runbook of ${cluster.name}`);
  return {
    kind: failure === null ? 'runbook-stopped' : 'runbook-failed',
    runbook,
    execution: end.executionArn,
    input: null,
    failure: failure === null ? stopped(end.status) : explainFailure(failure),
    report: [],
  };
}

function stopped(status: string): Explanation {
  return {
    error: status,
    cause:
      status === 'TIMED_OUT'
        ? 'It ran for longer than a runbook may.'
        : 'Somebody stopped the execution. A command that it had sent to a host may still run there; Run Command in the SSM console shows it.',
  };
}
