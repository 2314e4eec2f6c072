/**
 * What to do about each kind of finding: one map. A runbook is named only where it exists and repairs the finding;
 * otherwise the step is one for a person.
 */
import type { Cluster } from '../contract/cluster-config.ts';
import type { Evidence, Finding, FindingKind } from '../contract/health.ts';
import type { RunbookName } from '../contract/names.ts';
import { automaticSteps } from './automatic-steps.ts';

/** One thing to do: in words, and the runbook that does it with the input that it takes. */
export interface NextStep {
  readonly text: string;
  readonly runbook: { readonly name: RunbookName; readonly input: object } | null;
}

interface Situation {
  readonly cluster: Cluster;
  readonly finding: Finding;
  readonly evidence: Evidence;
}

const byHand = (text: string): NextStep => ({ text, runbook: null });
const setup = (text: string): NextStep => ({ text, runbook: { name: 'setup', input: {} } });

/** Starts or stops PostgreSQL on a host, as its administrator would. */
function service({ cluster }: Situation, verb: 'start' | 'stop', name: string): string {
  const { serviceControl, binDirectory, dataDirectory, osUser } = cluster.postgres;
  if (serviceControl.kind === 'systemd') return `systemctl ${verb} ${serviceControl.unit}`;
  const directory = cluster.nodes.find((node) => node.name === name)?.dataDirectory ?? dataDirectory;
  return `sudo -u ${osUser} ${binDirectory}/pg_ctl -D ${directory} ${verb}`;
}

const returnOfStandbys = () =>
  setup(
    'Start the setup runbook: it starts stopped standbys and builds those that have no data. Nothing that runs well is touched.',
  );

/** The rejoin runbook of the finding's node: it looks itself which method is the least that helps. */
const rejoin = ({ finding: { node } }: Situation, text: string): NextStep => ({
  text,
  runbook: { name: 'rejoin', input: { node } },
});

/** For the time when no standby can be brought back: an hour is long enough to think, and short enough to come back to. */
const allowAsync = ({ finding: { node } }: Situation): NextStep => ({
  text: `If no standby can be brought back soon: allow-async lets writes go on without one, for the minutes that you give. What is committed meanwhile is lost if ${node} is lost. It ends by itself as soon as a standby has caught up.`,
  runbook: { name: 'allow-async', input: { minutes: 60, reason: 'no standby can be brought back soon' } },
});

const failover = (text: string): NextStep => ({
  text: `${text} It fences the former primary first, and refuses when it cannot prove that no acknowledged commit is lost.`,
  runbook: { name: 'failover', input: {} },
});

/** Of the nodes that accept writes, the one that was the primary before, as far as the evidence tells. */
function olderPrimary({ cluster, evidence }: Situation): string {
  const primaries = evidence.nodes.filter(({ role }) => role === 'primary').map(({ node }) => node);
  return primaries.find((node) => node !== evidence.primary) ?? cluster.nodes[0]?.name ?? '';
}

const remedies: Readonly<Record<FindingKind, (situation: Situation) => NextStep | readonly NextStep[]>> = {
  TwoPrimaries: (situation) => [
    byHand(
      `Look at the nodes above: after a failover the one on the older timeline is the former primary, and no standby confirms its commits. If it is not that plain, stop the applications and decide which node holds the truth. Keep the other one's data directory: it may hold writes that nobody else has.`,
    ),
    {
      text: 'Then start the rejoin runbook for the former primary: it stops PostgreSQL there, keeps what only that node has, and makes it a standby.',
      runbook: { name: 'rejoin', input: { node: olderPrimary(situation) } },
    },
  ],
  PrimaryDown: (situation) => [
    setup(
      `If ${situation.finding.node} can be started soon: find out why it stopped, then start PostgreSQL there (${service(situation, 'start', situation.finding.node ?? '')}), or start the setup runbook, which does that. Its standbys reconnect by themselves.`,
    ),
    failover(`If ${situation.finding.node} is to be given up: start the failover runbook.`),
  ],
  NoPrimary: () => failover('Start the failover runbook: it promotes the standby that has every acknowledged commit.'),
  WritesBlocked: (situation) => [
    setup(
      'Start the setup runbook: it starts stopped standbys. One that streams is enough to let the waiting commits return. Do not cancel waiting sessions: that commits them without a standby.',
    ),
    allowAsync(situation),
  ],
  DurabilityRisk: () =>
    setup(
      'Bring a standby back: the setup runbook starts it. Do not fail over until this has passed, or those commits are lost.',
    ),
  SynchronousReplicationSuspended: () => [
    returnOfStandbys(),
    {
      text: 'Synchronous replication returns by itself when enough standbys have caught up, or when the time is over; then writes wait again if none has. The resume-sync runbook brings it back before that.',
      runbook: { name: 'resume-sync', input: {} },
    },
  ],
  CommitsNotReplicated: () =>
    setup('Start the setup runbook: it sets synchronous_commit and, once standbys stream, synchronous_standby_names.'),
  PrimaryUnobservable: () => byHand(observerAdvice),
  StandbyDown: (situation) =>
    rejoin(
      situation,
      `Start the rejoin runbook for ${situation.finding.node}: it is started, or rewound or rebuilt if it needs that.`,
    ),
  StandbyUnreachable: (situation) =>
    rejoin(
      situation,
      `Look at the instance of ${situation.finding.node} in the EC2 console. When it runs, start the rejoin runbook for ${situation.finding.node}.`,
    ),
  StandbyNotStreaming: (situation) =>
    rejoin(
      situation,
      `Start the rejoin runbook for ${situation.finding.node}: it finds out why and repairs it. Its PostgreSQL log has the details.`,
    ),
  SynchronousStandbyChanged: () =>
    byHand('Nothing to do for this alone: it ends when the preferred standby streams again.'),
  StandbyNeedsRebuild: (situation) =>
    rejoin(
      situation,
      `Start the rejoin runbook for ${situation.finding.node}: it gets a new copy of the primary, and its old data is kept until it streams.`,
    ),
  StandbyOnAnotherTimeline: (situation) =>
    rejoin(
      situation,
      `Start the rejoin runbook for ${situation.finding.node}: it is rewound to where the timelines part. What only it has is kept beside its data first.`,
    ),
  ForeignData: ({ finding }) =>
    byHand(`Find out whose database ${finding.node} holds before touching it; clusters.json may name the wrong host.`),
  StandbyLagging: ({ finding }) =>
    byHand(
      `Look at disk and network of ${finding.node}, and for long queries there that hold up replay (pg_stat_activity).`,
    ),
  ReplayPaused: ({ finding }) =>
    byHand(`When whoever paused it is done: SELECT pg_wal_replay_resume() on ${finding.node}.`),
  DuplicateApplicationName: ({ finding }) =>
    byHand(
      `Find the receiver that is not ${finding.node} (addresses above), stop it, and give it another application_name.`,
    ),
  SlotMissing: () => setup('Start the setup runbook: it creates missing slots.'),
  SlotRetainsTooMuch: () =>
    setup(
      'Bring the standby of this slot back (the setup runbook starts it). If nobody needs the slot any more, drop it: SELECT pg_drop_replication_slot(…).',
    ),
  NodeUnobservable: () => byHand(observerAdvice),
  ConfigurationDrift: () =>
    setup(
      'Start the setup runbook: it sets the settings of every node, of standbys first and one after the other, and restarts PostgreSQL where one needs it. Or change clusters.json if the new value is wanted.',
    ),
  AutomationHeld: () => ({
    text: 'When nobody is at work on the cluster, end maintenance with the maintenance runbook: from then on runbooks start by themselves again, as the policy has it. Until then start by hand what is needed.',
    runbook: { name: 'maintenance', input: { minutes: 0 } },
  }),
  ClusterNotSetUp: () => setup('Start the setup runbook.'),
};

const observerAdvice =
  'Check the security group between observer and node, pg_hba.conf, and that the monitoring secret holds the password of the monitoring user.';

/** Findings whose own remedy brings standbys back. */
const bringsStandbysBack: ReadonlySet<FindingKind> = new Set(['WritesBlocked', 'SynchronousReplicationSuspended']);

/** What to do, most urgent first; what is the same for several findings is said once. */
export function nextSteps(cluster: Cluster, findings: readonly Finding[], evidence: Evidence): NextStep[] {
  // Another standby that took over is explained by what happened to the first.
  const causes = findings.length > 1 ? findings.filter(({ kind }) => kind !== 'SynchronousStandbyChanged') : findings;
  // Starting stopped standbys is said once, in the words of the most urgent finding that asks for it.
  const started = causes.some(({ kind }) => bringsStandbysBack.has(kind));
  const steps = causes
    .filter(({ kind }) => !(started && kind === 'StandbyDown'))
    .flatMap((finding) => remedies[finding.kind]({ cluster, finding, evidence }));
  const all = [...automaticSteps(cluster, findings).map(byHand), ...steps];
  return all.filter((step, index) => all.findIndex(({ text }) => text === step.text) === index);
}
