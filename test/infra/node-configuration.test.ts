/** What a primary has, every node has: any standby may be the primary in a minute. */
import { describe, expect, it } from 'vitest';
import { commandScript } from '../../infra/documents/command-documents.ts';
import { type NodeCommandName, nodeCommandNames } from '../../lambdas/contract/node-commands.ts';
import { example } from './clusters.ts';

const facts = { replicationSecretId: 'r', monitoringSecretId: 'm', region: 'us-east-1' };

/** The functions that a command's script uses. */
function functionsOf(command: NodeCommandName): Set<string> {
  const lines = commandScript(example, facts, command);
  return new Set(lines.flatMap((line) => /^([a-z_][a-z0-9_]*)\(\) [{(]$/.exec(line)?.[1] ?? []));
}

/** Commands that start PostgreSQL and leave the node's configuration alone, each with its reason. */
const leaveItAlone: Readonly<Partial<Record<NodeCommandName, string>>> = {
  'return-primary': 'it puts back what was there a minute ago; writes wait for it',
  'resume-following': 'the same of a standby; it starts PostgreSQL before version 13 only',
  'stop-following': 'commits may be acknowledged until it has ended; it starts PostgreSQL before version 13 only',
};

/** Functions of configure-primary that no standby needs: they make the first node, or refuse what is none. */
const forPrimariesOnly: readonly string[] = [
  // its data directory, which a standby gets as a copy
  ...['initialize', 'prepare_incoming', 'make_incoming', 'put_incoming_in_place', 'discard_incoming', 'throw_away'],
  ...['data_directory_state', 'data_directory_sample', 'data_directory_link', 'require_replaceable_place'],
  ...['refuse_directory', 'settings_file', 'system_identifier'],
  // its start and its part
  ...['ensure_running', 'refuse_fenced', 'read_server', 'not_the_primary'],
  // both halves at once, and no way on without them
  'configure_node',
];

describe('settings, certificate and pg_hba.conf', () => {
  it.each(nodeCommandNames.filter((command) => functionsOf(command).has('start_server') || command.includes('promot')))(
    '%s, which starts or promotes a node, brings them up to date',
    (command) => {
      const uses = functionsOf(command);
      const upToDate = ['configure_settings', 'configure_hba', 'ensure_certificate'].every((name) => uses.has(name));
      expect(upToDate, command).toBe(!(command in leaveItAlone));
    },
  );

  it('nothing else is done for a primary that is not done for a standby', () => {
    const standby = new Set([...functionsOf('configure-standby'), ...functionsOf('start-standby')]);
    const own = [...functionsOf('configure-primary')].filter((name) => !standby.has(name));
    expect(own.toSorted()).toEqual(forPrimariesOnly.toSorted());
  });
});
