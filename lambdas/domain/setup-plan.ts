/** Decides what setup does with the nodes that preflight has looked at, or refuses with everything that is wrong. */
import type { Cluster, ClusterNode } from '../contract/cluster-config.ts';
import type { PreflightFacts } from '../contract/node-commands.ts';
import type { PreflightReport, SetupPlan } from '../contract/payloads.ts';
import { explainFailure } from './failure.ts';
import { freshClusterBytes, preflightProblems, replicationUserProblem } from './preflight.ts';
import { type Problem, problemsError } from './problems.ts';
import { renderSynchronousStandbyNames } from './synchronous-standby-names.ts';

interface Inspected {
  readonly node: ClusterNode;
  readonly report: PreflightReport;
}

/** The node that is, or is going to be, the primary; or why that cannot be said. */
type PrimaryChoice =
  | { readonly kind: 'existing'; readonly node: ClusterNode; readonly facts: PreflightFacts }
  | { readonly kind: 'new'; readonly node: ClusterNode }
  /** With a problem of the cluster, unless one of a node says it all. */
  | { readonly kind: 'undecided'; readonly problem: Problem | null };

const names = (nodes: readonly { node: ClusterNode }[]) => nodes.map(({ node }) => node.name).join(', ');

/**
 * Finds the primary by looking, never by configuration: a running one first, then the only stopped one,
 * and only when no node holds a cluster the first node of `clusters.json`.
 */
function choosePrimary(cluster: Cluster, inspected: readonly Inspected[]): PrimaryChoice {
  const known = inspected.flatMap(({ node, report }) => ('facts' in report ? [{ node, facts: report.facts }] : []));
  const undecided = (
    error: 'TwoPrimaries' | 'NoPrimary' | 'InitializationNotAllowed',
    message: string,
    remedy: string,
  ) => ({ kind: 'undecided', problem: { node: null, error, message, remedy } }) as const;

  const holding = known.filter(({ facts }) => facts.dataDirectory.state === 'postgres');
  const writable = holding.filter(({ facts }) => facts.server.running && facts.server.inRecovery === false);
  if (writable.length > 1) {
    return undecided(
      'TwoPrimaries',
      `More than one node accepts writes: ${names(writable)}.`,
      'Decide which one holds the truth and stop the others before anything else.',
    );
  }
  const stopped = holding.filter(({ facts }) => !facts.server.running && !facts.dataDirectory.standbySignal);
  const [running] = writable;
  if (running !== undefined) return { kind: 'existing', ...running };
  if (stopped.length > 1) {
    return undecided(
      'TwoPrimaries',
      `More than one stopped node would start as a primary: ${names(stopped)}.`,
      'Start PostgreSQL on the node that holds the truth, then start setup again.',
    );
  }
  const [only] = stopped;
  if (only !== undefined) return { kind: 'existing', ...only };
  // What does not answer is a problem of its own node, and it may well be the primary.
  const silent = holding.some(
    ({ facts }) => facts.server.running && facts.server.inRecovery === null && !facts.dataDirectory.standbySignal,
  );
  if (silent) return { kind: 'undecided', problem: null };
  if (holding.length > 0) {
    return undecided(
      'NoPrimary',
      `No node is a primary, and these hold the cluster’s data as standbys: ${names(holding)}.`,
      'The primary may be among the nodes that could not be asked. Bring it back, or fail over; setup promotes nothing.',
    );
  }
  const [first] = cluster.nodes;
  if (first === undefined) throw new RangeError('a cluster has at least two nodes');
  if (!cluster.postgres.initializeIfEmpty && known.length === inspected.length) {
    return undecided(
      'InitializationNotAllowed',
      'No node holds a PostgreSQL cluster, and postgres.initializeIfEmpty is false.',
      `Initialize PostgreSQL on ${first.name}, or allow setup to do it.`,
    );
  }
  return { kind: 'new', node: first };
}

/** What is wrong with a node that could not be asked. */
function unreachable(
  node: ClusterNode,
  isPrimary: boolean,
  report: Extract<PreflightReport, { failure: unknown }>,
): Problem {
  const { error, cause } = explainFailure(report.failure);
  return {
    node: node.name,
    error: isPrimary && error === 'HostUnreachable' ? 'PrimaryUnreachable' : error,
    message: cause,
    remedy: '',
  };
}

/**
 * The plan of a setup.
 *
 * @throws OperatorError with all problems of all nodes; its name is theirs when they share one, else `PreflightFailed`
 */
export function planSetup(cluster: Cluster, reports: readonly PreflightReport[]): SetupPlan {
  const inspected = cluster.nodes.map((node): Inspected => {
    const report = reports.find((candidate) => candidate.node === node.name);
    if (report === undefined) throw new RangeError(`there is no preflight report of ${node.name}`);
    return { node, report };
  });
  const choice = choosePrimary(cluster, inspected);
  const primary = choice.kind === 'undecided' ? undefined : choice.node;
  const primaryFacts = choice.kind === 'existing' ? choice.facts : undefined;
  const standbys = inspected.filter(({ node }) => node !== primary);
  const buildsStandbys = standbys.some(
    ({ report }) => 'facts' in report && report.facts.dataDirectory.state !== 'postgres',
  );

  const problems: Problem[] = choice.kind === 'undecided' && choice.problem !== null ? [choice.problem] : [];
  for (const { node, report } of inspected) {
    if ('failure' in report) {
      problems.push(unreachable(node, node === primary, report));
      continue;
    }
    problems.push(
      ...preflightProblems(cluster, node, report.facts, {
        role: primary === undefined ? 'undecided' : node === primary ? 'primary' : 'standby',
        systemIdentifier: primaryFacts?.dataDirectory.systemIdentifier ?? null,
        expectedBytes: primaryFacts?.dataDirectory.bytes ?? freshClusterBytes,
        buildsStandbys,
      }),
    );
  }
  const secrets = reports.flatMap((report) => ('facts' in report ? [report.facts.secret] : []));
  const wrongUser = replicationUserProblem(cluster, secrets, primary?.name);
  if (wrongUser !== null) problems.push(wrongUser);
  if (problems.length > 0 || primary === undefined) throw problemsError(problems, 'PreflightFailed');

  const standbyNames = standbys.map(({ node }) => node.name);
  return {
    primary: primary.name,
    standbys: standbyNames,
    runningStandbys: standbys
      .filter(({ report }) => 'facts' in report && report.facts.server.running)
      .map(({ node }) => node.name),
    synchronousStandbyNames: renderSynchronousStandbyNames({
      method: cluster.replication.method,
      count: cluster.replication.count,
      names: standbyNames,
    }),
  };
}
