/** Maintenance: a time during which no alert is sent and nothing starts by itself, because somebody works on the cluster. */
import type { Cluster } from '../contract/cluster-config.ts';
import type { CheckerState, Health, Maintenance } from '../contract/health.ts';
import type { MaintenanceReport } from '../contract/payloads.ts';
import type { MaintenanceInput } from '../contract/runbook-inputs.ts';
import { mailText } from './mail-text.ts';
import type { Message } from './message.ts';
import { ascii, chatText, plain } from './plain-text.ts';
import { utc } from './quantities.ts';

/** SNS takes 100 characters of a subject. */
const longestSubject = 100;
const longestReason = 200;

/**
 * The checker's state with the maintenance that was asked for. What ends early keeps its reason and ends now, so that
 * the next check tells what is still wrong, as after any maintenance. Either also ends what kept runbooks from starting
 * because nobody could read whether they may. The same state when there is nothing to end.
 */
export function withMaintenance(state: CheckerState, { minutes, reason }: MaintenanceInput, now: Date): CheckerState {
  const { maintenance, memory } = state;
  const until = new Date(now.getTime() + minutes * 60_000).toISOString();
  const asked = memory.held.length === 0 ? state : { ...state, memory: { ...memory, held: [] } };
  if (minutes > 0) return { ...asked, maintenance: { until, reason: plain(reason ?? '', longestReason) } };
  return inMaintenance(maintenance, now) ? { ...asked, maintenance: { ...maintenance, until } } : asked;
}

/** Whether alerts are silent and nothing starts by itself. */
export function inMaintenance(maintenance: Maintenance | null, now: Date): maintenance is Maintenance {
  return maintenance !== null && now.getTime() < Date.parse(maintenance.until);
}

/** @param health what a look at the cluster found, or why it could not be looked at */
export function maintenanceReport(state: CheckerState, health: Health | Error, now: Date): MaintenanceReport {
  const maintenance = inMaintenance(state.maintenance, now) ? state.maintenance : null;
  const common = { until: maintenance?.until ?? null, reason: maintenance?.reason ?? null };
  if (health instanceof Error) return { ...common, status: 'unknown', wrong: [plain(health.message, 500)] };
  const told = health.findings.filter(({ severity }) => severity !== 'info');
  return { ...common, status: health.status, wrong: told.map(({ message }) => message) };
}

/** What the subscribers are told: that it will be silent, until when and why; or that it no longer is. */
export function renderMaintenance(cluster: Cluster, report: MaintenanceReport, now: Date): Message {
  const { until, reason, wrong } = report;
  const what = until === null ? 'ended before its time' : `until ${utc(until)}: ${reason}`;
  const subject = ascii(`MAINTENANCE ${cluster.name}: ${what}`, longestSubject);
  const lines =
    until === null
      ? [
          'Alerts are sent again, and runbooks start by themselves where the policy says so. If something is wrong, the next alert says so.',
        ]
      : [
          `No alerts are sent, and no runbook starts by itself, until ${utc(until)}: ${reason}`,
          'What is wrong then is told then.',
          '',
          ...(wrong.length === 0
            ? ['Nothing is wrong at this moment.']
            : ['Wrong at this moment:', ...wrong.slice(0, 10).map((message) => `- ${message}`)]),
        ];
  return {
    subject,
    email: mailText([subject, '', ...lines]),
    chatbot: JSON.stringify({
      version: '1.0',
      source: 'custom',
      id: `${cluster.name}/maintenance/${now.toISOString()}`,
      content: {
        textType: 'client-markdown',
        title: chatText(subject),
        description: chatText(lines.slice(0, 5).join('\n')),
        keywords: ['maintenance'],
      },
      metadata: { threadId: `${cluster.name}-maintenance`, summary: chatText(subject), eventType: 'maintenance' },
    }),
    json: JSON.stringify({ version: 1, kind: 'maintenance', cluster: cluster.name, subject, ...report }),
  };
}
