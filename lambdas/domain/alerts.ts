/** An alert in the forms that its readers want: a mail, a chat message, a subject line, a document for programs. */
import type { AlertEvent } from '../contract/alerts.ts';
import type { Cluster } from '../contract/cluster-config.ts';
import type { Finding } from '../contract/health.ts';
import { type MailText, mailText } from './mail-text.ts';
import { meaningOf } from './meaning.ts';
import type { Message } from './message.ts';
import { ascii, chatText, clip, plain } from './plain-text.ts';
import { duration, utc, waitingSessions } from './quantities.ts';
import { type NextStep, nextSteps } from './remedies.ts';
import type { RunbookLinks } from './runbook-links.ts';

/** SNS takes 100 characters of a subject. */
const longestSubject = 100;
/** Together with {@link longestMail} these keep the whole message below what SNS takes. */
const longestChat = 4_000;
const longestJson = 40_000;
/** More than this nobody reads. */
const mostFindings = 20;
const mostSteps = 6;

export function renderAlert(cluster: Cluster, event: AlertEvent, links: RunbookLinks): Message {
  const steps = nextSteps(cluster, event.findings, event.evidence).slice(0, mostSteps);
  const subject = ascii(`${label(event)} ${cluster.name}: ${headline(event)}`, longestSubject);
  const alert: Alert = { event, subject, steps, links };
  return { subject, email: mail(alert), chatbot: chat(alert), json: document(cluster, alert) };
}

interface Alert {
  readonly event: AlertEvent;
  readonly subject: string;
  readonly steps: readonly NextStep[];
  readonly links: RunbookLinks;
}

function label({ kind, severity }: AlertEvent): string {
  if (kind === 'recovered') return 'RECOVERED';
  if (kind === 'improved') return 'BETTER';
  return kind === 'reminder' ? `STILL ${severity.toUpperCase()}` : severity.toUpperCase();
}

function headline(event: AlertEvent): string {
  if (event.kind === 'recovered') {
    const { stoppedSeconds } = event.writes;
    const stopped = stoppedSeconds > 0 ? `, no writes for ${duration(stoppedSeconds)}` : '';
    return `all well again after ${duration(event.durationSeconds)}${stopped}`;
  }
  const titles = summary(event.kind === 'worsened' ? newFirst(event) : event.findings);
  return event.kind === 'improved' && event.writes.stoppedSeconds > 0 && !event.writes.stopped
    ? `writes flow again, ${titles}`
    : titles;
}

/** What is new leads the alert that it causes. */
function newFirst({ findings, news }: AlertEvent): Finding[] {
  const isNew = ({ key }: Finding) => news.includes(key);
  return [...findings.filter(isNew), ...findings.filter((finding) => !isNew(finding))];
}

/** The first finding, who took over if somebody did, and how many more there are. */
function summary([first, ...others]: readonly Finding[]): string {
  if (first === undefined) return 'nothing to report';
  const successor = others.find(({ kind }) => kind === 'SynchronousStandbyChanged');
  const said = [first, ...(successor !== undefined && first.node !== null ? [successor] : [])];
  const more = others.length + 1 - said.length;
  return `${said.map(({ title }) => title).join(', ')}${more > 0 ? ` (+${more} more)` : ''}`;
}

/** Why there is an alert at all, when it is not for something new. */
function occasion({ kind, over, maintenance }: AlertEvent): string[] {
  const ended =
    maintenance === null
      ? []
      : [`Maintenance (${plain(maintenance.reason, 200)}) ended at ${utc(maintenance.until)}; this is wrong now.`];
  const gone = over.length > 0 ? [`No longer so: ${over.join('; ')}.`] : [];
  return kind === 'reminder' ? [...ended, 'Nothing new: this is still so.', ...gone] : [...ended, ...gone];
}

function whatHappened(event: AlertEvent): string[] {
  const findings = event.kind === 'worsened' ? newFirst(event) : event.findings;
  const shown = findings.slice(0, mostFindings).map((finding) => {
    const mark = event.kind === 'worsened' && event.news.includes(finding.key) ? 'NEW ' : '';
    return `- ${mark}${finding.message}`;
  });
  const rest = findings.length - shown.length;
  return [...occasion(event), ...shown, ...(rest > 0 ? [`- and ${rest} more`] : [])];
}

function evidenceLines({ evidence }: AlertEvent): string[] {
  const { blocked, nodes, table } = evidence;
  const width = Math.max(...nodes.map(({ node }) => node.length));
  return [
    ...(table.length > 0 ? [...table.slice(0, 40), ''] : []),
    blocked.count === 0
      ? 'No session waits for a standby.'
      : `${waitingSessions(blocked.count, blocked.oldestSeconds, ' for a standby')}.`,
    ...nodes.map(({ node, role, state }) => `${node.padEnd(width)}  ${role.padEnd(7)}  ${state}`),
  ];
}

function stepLines({ text, runbook }: NextStep, links: RunbookLinks): string[] {
  if (runbook === null) return [text];
  return [
    text,
    `  Console: ${links.console(runbook.name)}`,
    `  Command: ${links.startCommand(runbook.name, runbook.input)}`,
  ];
}

/** Who is at work on the cluster already. */
function operationLines({ operation }: AlertEvent): string[] {
  return operation === null ? [] : [`The ${operation.runbook} runbook has been running since ${utc(operation.since)}.`];
}

function times({ since, durationSeconds, writes, kind, incident }: AlertEvent): string {
  const stopped = writes.stoppedSeconds > 0 ? ` Writes did not go through for ${duration(writes.stoppedSeconds)}.` : '';
  const lasted =
    kind === 'recovered'
      ? `, lasted ${duration(durationSeconds)}`
      : durationSeconds < 1
        ? ''
        : `, for ${duration(durationSeconds)} now`;
  return `Since ${utc(since)}${lasted}.${stopped} Incident ${incident}.`;
}

function mail({ event, subject, steps, links }: Alert): MailText {
  const section = (title: string, lines: readonly string[]) => (lines.length === 0 ? [] : ['', title, ...lines]);
  const lines = [
    subject,
    ...section('WHAT HAPPENED', whatHappened(event)),
    ...section('WHAT IT MEANS NOW', [meaningOf(event.status, event)]),
    ...section(
      'WHAT TO DO',
      steps.flatMap((step) => stepLines(step, links)),
    ),
    ...section('EVIDENCE', evidenceLines(event)),
    '',
    ...operationLines(event),
    times(event),
  ];
  return mailText(lines);
}

/** @see https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html */
function chat({ event, subject, steps, links }: Alert): string {
  const facts = [...whatHappened(event), '', meaningOf(event.status, event)].map(chatText);
  const table = event.evidence.table.slice(0, 12).map(chatText);
  const evidence = table.length > 0 ? `\n\`\`\`\n${table.join('\n')}\n\`\`\`` : '';
  const description = (limit: number) =>
    `${clip(facts.join('\n'), limit)}${evidence}\n${chatText([...operationLines(event), times(event)].join('\n'))}`;
  const notification = (limit: number) =>
    JSON.stringify({
      version: '1.0',
      source: 'custom',
      id: `${event.incident}/${event.kind}/${event.at}`,
      content: {
        textType: 'client-markdown',
        title: chatText(subject),
        description: description(limit),
        nextSteps: steps
          .slice(0, 3)
          .flatMap((step) => stepLines(step, links))
          .map((line) => chatText(line.trim())),
        keywords: [event.severity, event.status],
      },
      metadata: { threadId: event.incident, summary: chatText(subject), eventType: event.kind },
    });
  return fitting([2000, 1000, 500, 200], notification, longestChat);
}

function document(cluster: Cluster, { event, subject, steps, links }: Alert): string {
  return fitting(
    [100, mostFindings, 5],
    (most) =>
      JSON.stringify({
        version: 1,
        cluster: cluster.name,
        subject,
        ...event,
        findings: event.findings.slice(0, most),
        omittedFindings: Math.max(0, event.findings.length - most),
        news: event.news.slice(0, most),
        over: event.over.slice(0, most),
        meaning: meaningOf(event.status, event),
        nextSteps: steps.map(({ text, runbook }) => ({
          text,
          ...(runbook === null
            ? {}
            : {
                runbook: runbook.name,
                console: links.console(runbook.name),
                command: links.startCommand(runbook.name, runbook.input),
              }),
        })),
      }),
    longestJson,
  );
}

/** The longest of several versions that is not longer than `limit` bytes; the last one if none is. */
function fitting(sizes: readonly number[], render: (size: number) => string, limit: number): string {
  let text = '';
  for (const size of sizes) {
    text = render(size);
    if (utf8Length(text) <= limit) break;
  }
  return text;
}

const encoder = new TextEncoder();
const utf8Length = (text: string): number => encoder.encode(text).length;

/** The beginning of a text, cut between two characters. */
