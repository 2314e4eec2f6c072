import { publishAlert } from '../adapters/alerts-topic.ts';
import { readAllowance } from '../adapters/allowance-store.ts';
import { runningOperation, startAutomatically } from '../adapters/automatic-runbooks.ts';
import { forgetSent, readChecker, type Unsent, writeChecker } from '../adapters/checker-store.ts';
import { deployedCluster } from '../adapters/cluster.ts';
import { CachedCredentials } from '../adapters/credentials.ts';
import { environmentVariable } from '../adapters/environment.ts';
import { recordFigures } from '../adapters/figures.ts';
import { logger } from '../adapters/logger.ts';
import { observe } from '../adapters/observer.ts';
import type { AlertEvent } from '../contract/alerts.ts';
import type { Observation } from '../contract/observation.ts';
import { renderAlert } from '../domain/alerts.ts';
import { automate } from '../domain/automation.ts';
import { mayBeSuspended } from '../domain/durability-debt.ts';
import { assess } from '../domain/health.ts';
import type { Message } from '../domain/message.ts';
import { checkSeconds, metricsOf } from '../domain/metrics.ts';
import { runbookLinks } from '../domain/runbook-links.ts';
import { advance } from '../domain/transitions.ts';
import { alertId, overdue } from '../domain/unsent-alerts.ts';

const cluster = deployedCluster();
const table = environmentVariable('STATE_TABLE');
const observer = environmentVariable('OBSERVER_FUNCTION');
const credentials = new CachedCredentials(environmentVariable('MONITORING_SECRET_ID'));
const topic = environmentVariable('TOPIC_ARN');
const arnPrefix = environmentVariable('RUNBOOK_ARN_PREFIX');
const links = runbookLinks(cluster.network.region, arnPrefix);
const automatic = { cluster, table, arnPrefix, look };

async function look(): Promise<Observation> {
  const observation = await observe(observer, await credentials.read());
  if (observation.nodes.some((node) => !node.answered && node.failure.kind === 'authentication')) credentials.forget();
  return observation;
}

interface Check {
  readonly status: string;
  readonly alerts: number;
  /** ARN of the execution that was started. */
  readonly started: string | null;
}

/** Two checks at the same time are common, three are rare. */
const mostLooks = 5;

/**
 * Looks at the cluster: decides what is new since the last check, remembers it, and says it. Then starts the
 * runbook that the cluster's policy lets it start by itself, if one is due.
 */
export async function handler(): Promise<Check> {
  for (let looks = 1; looks <= mostLooks; looks += 1) {
    const check = await checkOnce();
    if (check !== null) return check;
  }
  // A runbook that counts on being remembered tries again.
  throw new Error(`other checks remembered what they had seen ${mostLooks} times while this one looked`);
}

/** One check; null when another one has decided meanwhile. That one may have looked before this one. */
async function checkOnce(): Promise<Check | null> {
  const started = new Date();
  const observation = await look();
  // Read after looking: of two checks at the same time the one that looked last decides last.
  const before = await readChecker(table);
  const allowance = mayBeSuspended(observation, before.state) ? await readAllowance(table) : null;
  const health = assess(cluster, observation, before.state.memory, started, allowance);
  const quiet = health.findings.length === 0 && before.state.incident === null && allowance === null;
  const operation = quiet ? null : await runningOperation(table);
  const { state: told, events } = advance(cluster, before.state, health, started, operation);
  const { state, start } = automate(cluster, observation, told, { allowance, operation, now: started });
  const figures = [...metricsOf(cluster, observation, health), checkSeconds(cluster, started, new Date())];
  recordFigures(figures, started, health.status !== 'healthy');

  const late = overdue(before.unsent, started);
  const decidedAt = started.toISOString();
  const toSend = [...late, ...events.map((event) => ({ id: alertId(event), event }))].map((alert) => ({
    ...alert,
    decidedAt,
  }));
  if (state !== before.state || toSend.length > 0) {
    const unsent = [...before.unsent.filter((alert) => !late.includes(alert)), ...toSend];
    if (!(await writeChecker(table, before.version, { state, unsent }))) return null;
  }
  // Neither waits for the other, nor fails with it.
  const [sent, execution] = await Promise.allSettled([
    send(toSend),
    start === null ? null : startAutomatically(automatic, start, observation),
  ]);
  if (sent.status === 'rejected') throw sent.reason;
  if (execution.status === 'rejected') throw execution.reason;
  return { status: health.status, alerts: toSend.length, started: execution.value };
}

async function send(alerts: readonly Unsent[]): Promise<void> {
  for (const { event } of alerts) {
    const message = worded(event);
    if (message !== null) await publishAlert(topic, message);
  }
  if (alerts.length > 0) await forgetSent(table, new Set(alerts.map(({ id }) => id)));
}

/** Null for what another version decided and nobody here can word: it must not keep the other alerts from being sent. */
function worded(event: AlertEvent): Message | null {
  try {
    return renderAlert(cluster, event, links);
  } catch (error) {
    logger.error('an alert on record cannot be worded, and is dropped', { error });
    return null;
  }
}
