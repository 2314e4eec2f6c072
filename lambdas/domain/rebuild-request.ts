/** The question whether a node may be rebuilt, in the forms that its readers want. */
import type { Cluster } from '../contract/cluster-config.ts';
import type { AskForRebuildInput } from '../contract/rejoin.ts';
import { explainFailure } from './failure.ts';
import { mailText, shellWord } from './mail-text.ts';
import { ascii, chatText, clip, plainLine } from './plain-text.ts';
import { bytes } from './quantities.ts';
import type { RunbookLinks } from './runbook-links.ts';

const longestSubject = 100;
const longestChat = 1_500;

export function renderRebuildRequest(cluster: Cluster, request: AskForRebuildInput, links: RunbookLinks) {
  const { plan, startFailure, rewindFailure, kept } = request.state;
  const { region } = cluster.network;
  const subject = ascii(`APPROVE ${cluster.name}: rebuild of ${plan.node}?`, longestSubject);
  const token = `--region ${region} --task-token ${shellWord(request.taskToken)}`;
  const approve = `aws stepfunctions send-task-success ${token} --task-output '{}'`;
  const refuse = `aws stepfunctions send-task-failure ${token} --error RebuildRefused --cause 'say why'`;
  const failures = [startFailure, rewindFailure].flatMap((failure) => {
    if (failure === undefined) return [];
    const { error, cause } = explainFailure(failure);
    return [`Tried: ${error}: ${clip(cause, 500)}`];
  });
  const why = [
    `${plan.node} can only come back by a rebuild: about ${bytes(plan.primaryBytes)} are copied from ${plan.primary}. Its old data is kept until it streams.`,
    ...plan.reasons,
    ...failures.flatMap((failure) => failure.split('\n').map((line) => plainLine(line, 500))),
    ...(kept?.directory == null ? [] : [`What only ${plan.node} had is kept in ${kept.directory} on its host.`]),
  ];
  const execution = links.execution(request.execution);
  const wait = 'The runbook waits for 24 hours. Other runbooks may run meanwhile; after the answer it looks again.';
  return {
    subject,
    email: mailText([
      subject,
      '',
      ...why,
      '',
      'TO APPROVE',
      approve,
      '',
      'TO REFUSE',
      refuse,
      '',
      wait,
      '',
      `Execution: ${execution}`,
    ]),
    chatbot: JSON.stringify({
      version: '1.0',
      source: 'custom',
      id: `${request.execution}/approve`,
      content: {
        textType: 'client-markdown',
        title: chatText(subject),
        description: clip(chatText([...why, wait].join('\n')), longestChat),
        nextSteps: [
          'The mail of this alert, and the execution, have the commands that approve and refuse.',
          `Execution: ${execution}`,
        ],
        keywords: ['approval'],
      },
      metadata: { threadId: request.execution, summary: chatText(subject), eventType: 'approval' },
    }),
    json: JSON.stringify({
      version: 1,
      kind: 'rebuild-approval',
      cluster: cluster.name,
      subject,
      plan,
      execution: request.execution,
      approve,
      refuse,
      console: execution,
    }),
  };
}
