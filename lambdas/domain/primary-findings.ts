/** Is there exactly one primary, and can it be asked? "Cannot reach" is not "is down". */
import type { Finding } from '../contract/health.ts';
import { finding } from './finding-policy.ts';
import { agreeing, list } from './quantities.ts';
import { follows, receives, type Silent, type Survey, spoke } from './survey.ts';

const names = (nodes: readonly { readonly node: { readonly name: string } }[]) =>
  list(nodes.map(({ node }) => node.name));

export function primaryFindings(seen: Survey): Finding[] {
  if (seen.primaries.length > 1) return [twoPrimaries(seen)];
  if (seen.primary !== null) return [];
  const presumed = seen.silent.find(({ node }) => node === seen.presumedPrimary);
  if (presumed !== undefined) return [silentPrimary(seen, presumed)];
  return [seen.silent.length === 0 ? noPrimary(seen) : hiddenPrimary(seen)];
}

function twoPrimaries({ primaries }: Survey): Finding {
  const identifiers = new Set(primaries.map(({ facts }) => facts.systemIdentifier));
  const foreign = identifiers.size > 1 ? ' They hold different databases (their system identifiers differ).' : '';
  return finding('TwoPrimaries', null, {
    title: `${primaries.length} nodes accept writes: ${names(primaries)}`,
    message: `${names(primaries)} accept writes at the same time, on timelines ${list(primaries.map(({ facts }) => `${facts.timeline}`))}.${foreign}`,
  });
}

/** The primary does not answer. Down, or only out of the observer's sight? The standbys' receivers are the second witness. */
function silentPrimary(seen: Survey, primary: Silent): Finding {
  const { node, failure } = primary;
  const said = `${failure.kind}: ${failure.message}`;
  const receiving = seen.answered.filter((standby) => receives(standby) && follows(standby, seen.cluster, node));
  if (receiving.length > 0) {
    return finding('PrimaryUnobservable', node.name, {
      title: `${node.name} does not answer, its standbys still receive`,
      message: `The observer cannot ask the primary ${node.name} (${said}), but ${names(receiving)} still ${agreeing(receiving.length, 'receives')} WAL from it.`,
    });
  }
  const notAccepting = failure.kind === 'starting-up' || failure.kind === 'shutting-down';
  if (spoke(primary) && !notAccepting) {
    return finding('PrimaryUnobservable', node.name, {
      title: `${node.name} cannot be observed: ${failure.kind}`,
      message: `PostgreSQL on the primary ${node.name} answers, but the observer gets no facts (${said}).`,
    });
  }
  if (notAccepting) {
    return finding(
      'PrimaryDown',
      node.name,
      {
        title: `primary ${node.name} is ${failure.kind === 'starting-up' ? 'starting up' : 'shutting down'}`,
        message: `PostgreSQL on the primary ${node.name} accepts no connections (${said}).`,
      },
      { certain: false },
    );
  }
  const witnesses =
    seen.answered.length > 0
      ? ` No standby receives WAL from it: asked ${agreeing(seen.answered.length, 'was')} ${names(seen.answered)}.`
      : '';
  if (failure.kind === 'refused' || seen.answered.length > 0) {
    return finding(
      'PrimaryDown',
      node.name,
      {
        title: `primary ${node.name} is down`,
        message: `The primary ${node.name} does not answer (${said}).${witnesses}`,
      },
      { certain: true },
    );
  }
  return finding(
    'PrimaryUnobservable',
    node.name,
    {
      title: 'no node answers',
      message: `No node answers; the primary was ${node.name} (${said}). The cluster may be down, or the observer may be cut off from it.`,
    },
    { severity: 'critical' },
  );
}

function noPrimary({ answered }: Survey): Finding {
  return finding('NoPrimary', null, {
    title: 'no primary: every node is a standby',
    message: `${names(answered)} ${agreeing(answered.length, 'answers')}, and ${agreeing(answered.length, 'is')} in recovery: no node accepts writes.`,
  });
}

/** Some nodes are silent, and nothing says which of them is the primary. */
function hiddenPrimary({ answered, silent }: Survey): Finding {
  const others =
    answered.length > 0
      ? ` ${names(answered)} ${agreeing(answered.length, 'answers')}, and ${agreeing(answered.length, 'accepts')} no writes.`
      : '';
  return finding(
    'PrimaryUnobservable',
    null,
    {
      title: answered.length > 0 ? 'no primary found' : 'no node answers',
      message: `${silent.map(({ node, failure }) => `${node.name} (${failure.kind})`).join(', ')} cannot be asked.${others}`,
    },
    { severity: 'critical' },
  );
}
