/** What a runbook tells of itself, in the forms that its readers want. */
import type { Cluster } from '../contract/cluster-config.ts';
import type { RunbookNotice } from '../contract/notices.ts';
import { mailText } from './mail-text.ts';
import { ascii, chatText, clip, plain, plainLine } from './plain-text.ts';
import type { RunbookLinks } from './runbook-links.ts';

/** SNS takes 100 characters of a subject and 256 KiB of a message; a chat shows far less. */
const longestSubject = 100;
const longestCause = 6_000;
const longestChat = 1_500;
const mostLines = 60;

const labels = {
  'runbook-started': 'STARTED',
  'runbook-succeeded': 'DONE',
  'runbook-failed': 'FAILED',
  'runbook-stopped': 'STOPPED',
} as const satisfies Record<RunbookNotice['kind'], string>;

/** `rejoin of pg_sync_slave01`, `switchover to pg_sync_slave01`, `setup`. */
function runbookTitle({ runbook, input }: Pick<RunbookNotice, 'runbook' | 'input'>): string {
  if (typeof input?.node === 'string') return `${runbook} of ${input.node}`;
  if (typeof input?.to === 'string') return `${runbook} to ${input.to}`;
  return runbook;
}

export function renderNotice(cluster: Cluster, notice: RunbookNotice, links: RunbookLinks) {
  const failure = notice.failure === null ? '' : `: ${notice.failure.error}`;
  const subject = ascii(`${labels[notice.kind]} ${cluster.name}: ${runbookTitle(notice)}${failure}`, longestSubject);
  const body = lines(notice);
  const execution = links.execution(notice.execution);
  return {
    subject,
    email: mailText([subject, '', ...body, '', `Execution: ${execution}`]),
    chatbot: JSON.stringify({
      version: '1.0',
      source: 'custom',
      id: `${notice.execution}/${notice.kind}`,
      content: {
        textType: 'client-markdown',
        title: chatText(subject),
        description: clip(chatText(body.join('\n')), longestChat),
        nextSteps: [`Execution: ${execution}`],
        keywords: [notice.kind],
      },
      metadata: { threadId: notice.execution, summary: chatText(subject), eventType: notice.kind },
    }),
    json: JSON.stringify({ version: 1, cluster: cluster.name, subject, ...notice, console: execution }),
  };
}

function lines({ kind, runbook, input, failure, report }: RunbookNotice): string[] {
  const asked = Object.entries(input ?? {}).filter(([, value]) => value !== '' && value !== null);
  const said = asked.map(
    ([name, value]) => `  ${name}: ${plain(typeof value === 'string' ? value : JSON.stringify(value), 300)}`,
  );
  return [
    sentence(kind, runbook),
    ...said,
    ...(failure === null
      ? []
      : [
          '',
          ...clip(failure.cause, longestCause)
            .split('\n')
            .map((line) => plainLine(line, 1000)),
        ]),
    ...(report.length > 0 ? ['', ...report.slice(0, mostLines).map((line) => plainLine(line, 1000))] : []),
  ];
}

function sentence(kind: RunbookNotice['kind'], runbook: string): string {
  switch (kind) {
    case 'runbook-started':
      return `The ${runbook} runbook has started.`;
    case 'runbook-succeeded':
      return `The ${runbook} runbook has done its work.`;
    case 'runbook-failed':
      return `The ${runbook} runbook has failed. It can be started again: it goes on where it stopped.`;
    case 'runbook-stopped':
      return `The ${runbook} runbook was stopped before its end. It can be started again: it goes on where it stopped.`;
  }
}
