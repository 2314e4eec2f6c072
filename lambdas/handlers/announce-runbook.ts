import * as z from 'zod';
import { publishAlert } from '../adapters/alerts-topic.ts';
import { deployedCluster } from '../adapters/cluster.ts';
import { environmentVariable } from '../adapters/environment.ts';
import { parseInput } from '../adapters/parse.ts';
import { announceRunbookInputSchema, executionEndedEventSchema } from '../contract/payloads.ts';
import { renderNotice } from '../domain/notices.ts';
import { runbookLinks } from '../domain/runbook-links.ts';
import { noticeOf, noticeOfEnd } from '../domain/runbook-notice.ts';

const cluster = deployedCluster();
const topic = environmentVariable('TOPIC_ARN');
const links = runbookLinks(cluster.network.region, environmentVariable('RUNBOOK_ARN_PREFIX'));
const inputSchema = z.union([announceRunbookInputSchema, executionEndedEventSchema]);

/**
 * Tells the subscribers that a runbook has started or how it has ended: as a step of the runbook, or when EventBridge
 * reports that its execution was stopped from outside.
 */
export async function handler(event: unknown): Promise<void> {
  const input = parseInput(inputSchema, event, 'announce-runbook');
  const notice = 'detail' in input ? noticeOfEnd(cluster, input.detail) : noticeOf(input);
  await publishAlert(topic, renderNotice(cluster, notice, links));
}
