/** Replication slots on the primary: an absent standby's slot keeps WAL until the disk is full or the bound is reached. */
import type { Cluster } from '../contract/cluster-config.ts';
import type { Finding } from '../contract/health.ts';
import type { NodeFacts } from '../contract/observation.ts';
import { slotName } from '../contract/slot-name.ts';
import { finding } from './finding-policy.ts';
import { bytes } from './quantities.ts';
import type { Survey } from './survey.ts';

/** The size that the configuration counts in. */
const walSegmentBytes = 16 * 1024 ** 2;

/** Half of the bound is time enough to bring a standby back before its WAL is removed. */
const warningShare = 0.5;

/** WAL that a slot may keep: bounded by PostgreSQL from 13 on, a matter of disk space before. */
function slotBound(cluster: Cluster): number {
  const { walKeepSegments, slotKeepSegments } = cluster.postgres;
  return (slotKeepSegments ?? 2 * walKeepSegments) * walSegmentBytes;
}

export function slotFindings({ cluster, primary }: Survey): Finding[] {
  if (primary === null) return [];
  const { slots } = primary.facts;
  const missing = cluster.nodes
    .filter(({ name }) => name !== primary.node.name)
    .filter(({ name }) => !slots.some((slot) => slot.name === slotName(name)))
    .map(({ name }) =>
      finding('SlotMissing', name, {
        title: `${name} has no replication slot`,
        message: `The slot ${slotName(name)} does not exist on ${primary.node.name}: WAL that ${name} needs may be removed while it is away.`,
      }),
    );
  return [...missing, ...slots.flatMap((slot) => retainsTooMuch(cluster, slot))];
}

function retainsTooMuch(cluster: Cluster, slot: NodeFacts['slots'][number]): Finding[] {
  const bound = slotBound(cluster);
  const retained = slot.retainedBytes ?? 0;
  const soonLost = slot.walStatus === 'unreserved';
  if (slot.walStatus === 'lost' || (retained <= bound * warningShare && !soonLost)) return [];
  const standby = cluster.nodes.find(({ name }) => slotName(name) === slot.name);
  const owner = standby === undefined ? ' No node of clusters.json has this slot.' : '';
  const loser = standby === undefined ? 'its reader has to begin anew' : 'the standby has to be rebuilt';
  const consequence =
    cluster.postgres.majorVersion >= 13
      ? `At ${bytes(bound)} the primary removes it, and ${loser}.`
      : 'PostgreSQL 12 keeps it without bound, until the disk is full.';
  return [
    finding(
      'SlotRetainsTooMuch',
      null,
      {
        title: `slot ${slot.name} keeps ${bytes(retained)} of WAL`,
        message: `The ${slot.active ? 'active' : 'inactive'} slot ${slot.name} keeps ${bytes(retained)} of WAL${soonLost ? ', part of which may be removed at any moment' : ''}.${owner} ${consequence}`,
      },
      { detail: slot.name, certain: soonLost },
    ),
  ];
}
