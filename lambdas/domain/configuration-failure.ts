import type { CommandFailure } from '../contract/node-commands.ts';

/** Says, in lines for people, that a node does its part and lacks what the cluster's configuration asks for. */
export function configurationLines(node: string, failure: CommandFailure | null | undefined): string[] {
  if (failure == null) return [];
  const { error, message, remedy } = failure;
  return [
    `${node} could not be brought up to date, and may refuse other nodes: ${error}: ${message} ${remedy}`,
    '  When that is repaired, start the setup runbook.',
  ];
}
