import * as z from 'zod';
import { publishAlert } from '../adapters/alerts-topic.ts';
import { deployedCluster } from '../adapters/cluster.ts';
import { environmentVariable } from '../adapters/environment.ts';
import { parseInput } from '../adapters/parse.ts';
import { howItFailed } from '../adapters/runbook-tasks.ts';
import type { RunbookNotice } from '../contract/notices.ts';
import { announceRunbookInputSchema, type ExecutionEnd, executionEndedEventSchema } from '../contract/payloads.ts';
import { renderNotice } from '../domain/notices.ts';
import { runbookLinks } from '../domain/runbook-links.ts';
import { noticeOf, noticeOfEnd } from '../domain/runbook-notice.ts';

const cluster = deployedCluster();
const topic = environmentVariable('TOPIC_ARN');
const links = runbookLinks(cluster.network.region, environmentVariable('RUNBOOK_ARN_PREFIX'));
const inputSchema = z.union([announceRunbookInputSchema, executionEndedEventSchema]);

/**
 * Tells the subscribers that a runbook has started or how it has ended: as a step of the runbook, or when EventBridge
 * reports an end of its execution that it could not tell of itself.
 */
export async function handler(event: unknown): Promise<void> {
  const input = parseInput(inputSchema, event, 'announce-runbook');
  const notice = 'detail' in input ? await untold(input.detail) : noticeOf(input);
  if (notice !== null) await publishAlert(topic, renderNotice(cluster, notice, links));
}

/** The notice of an end; null when the runbook has told of it. */
async function untold(end: ExecutionEnd): Promise<RunbookNotice | null> {
  if (end.status !== 'FAILED') return noticeOfEnd(cluster, end, null);
  const { byItself, failure } = await howItFailed(end.executionArn);
  return byItself ? null : noticeOfEnd(cluster, end, failure);
}
