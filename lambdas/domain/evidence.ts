/** The observation in words: what an alert and the dashboard show beside the findings. */
import type { Evidence } from '../contract/health.ts';
import { plain, plainLine } from './plain-text.ts';
import { bytes } from './quantities.ts';
import { replicationTable } from './replication.ts';
import { type Answered, type Survey, walsenderOf } from './survey.ts';
import { synchronousSituation } from './synchronous-situation.ts';

const longestLine = 200;

export function evidenceOf(seen: Survey): Evidence {
  const { cluster, primary, presumedPrimary } = seen;
  const situation = primary === null ? null : synchronousSituation(primary.facts);
  const names = (rows: readonly { readonly applicationName: string }[]) => rows.map((row) => row.applicationName);
  return {
    primary: primary?.node.name ?? presumedPrimary?.name ?? null,
    table: primary === null ? [] : replicationTable(cluster, primary.facts).map((line) => plainLine(line, longestLine)),
    nodes: cluster.nodes.map((node) => {
      const answered = seen.answered.find((candidate) => candidate.node === node);
      if (answered === undefined) {
        const failure = seen.silent.find((candidate) => candidate.node === node)?.failure;
        const role = node === presumedPrimary ? 'primary' : primary === null ? 'unknown' : 'standby';
        return {
          node: node.name,
          role,
          state: plain(`no answer (${failure?.kind}): ${failure?.message}`, longestLine),
        };
      }
      return answered.facts.inRecovery
        ? { node: node.name, role: 'standby', state: plain(standbyState(seen, answered), longestLine) }
        : { node: node.name, role: 'primary', state: `accepts writes, timeline ${answered.facts.timeline}` };
    }),
    synchronous:
      situation === null
        ? null
        : {
            required: situation.rule.count,
            standbys: names(situation.confirming),
            candidates: names(situation.candidates),
          },
    blocked: {
      count: primary?.facts.blockedSessions.count ?? 0,
      oldestSeconds: primary?.facts.blockedSessions.oldestSeconds ?? 0,
    },
  };
}

function standbyState({ primary }: Survey, { node, facts }: Answered): string {
  const row = primary === null ? undefined : walsenderOf(primary.facts, node.name);
  const receiver = facts.walReceiver === null ? 'no WAL receiver' : `WAL receiver ${facts.walReceiver.status}`;
  if (row === undefined) return `in recovery, ${receiver}, timeline ${facts.timeline}`;
  const behind = row.replayLagBytes ?? row.flushLagBytes;
  const distance = behind === null ? '' : behind === 0 ? ', nothing behind' : `, ${bytes(behind)} behind`;
  return `${row.state}, ${row.syncState}${distance}${facts.replayPaused ? ', replay paused' : ''}`;
}
