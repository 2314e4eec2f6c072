/** Judges what preflight found on one host. Facts come from the host, decisions are taken here. */
import type { Cluster, ClusterNode } from '../contract/cluster-config.ts';
import type { ErrorName } from '../contract/errors.ts';
import type { PreflightFacts } from '../contract/node-commands.ts';
import type { Problem } from './problems.ts';
import { parseSynchronousStandbyNames } from './synchronous-standby-names.ts';

/** What the node is going to be, and what that needs. */
export interface NodeTask {
  /** `undecided`: the primary is not known, so nothing can be said against a directory that holds a cluster. */
  readonly role: 'primary' | 'standby' | 'undecided';
  /** System identifier of the existing primary; null when the cluster is about to be initialized. */
  readonly systemIdentifier: string | null;
  /** Bytes that the node will receive: the size of the primary's data directory. */
  readonly expectedBytes: number;
  /** At least one standby has to be built, so a base backup will connect to the primary. */
  readonly buildsStandbys: boolean;
}

/** Size of a freshly initialized cluster with its first WAL segments, rounded up. */
export const freshClusterBytes = 64 * 1024 * 1024;

const mebibyte = 1024 * 1024;
const inMebibytes = (bytes: number) => `${Math.ceil(bytes / mebibyte)} MiB`;

/** True when a data directory has yet to be made here. */
function isVacant(facts: PreflightFacts): boolean {
  return facts.dataDirectory.state === 'absent' || facts.dataDirectory.state === 'empty';
}

/** Directory of the node's data, with the node's own override applied. */
function dataDirectoryOf(cluster: Cluster, node: ClusterNode): string {
  return node.dataDirectory ?? cluster.postgres.dataDirectory;
}

/** Everything that keeps `node` from its task; empty when nothing does. */
export function preflightProblems(
  cluster: Cluster,
  node: ClusterNode,
  facts: PreflightFacts,
  task: NodeTask,
): Problem[] {
  const problem = (error: ErrorName, message: string, remedy: string): Problem => ({
    node: node.name,
    error,
    message,
    remedy,
  });
  return [
    ...softwareProblems(cluster, facts, problem),
    ...dataDirectoryProblems(cluster, node, facts, task, problem),
    ...diskProblems(cluster, facts, task, problem),
    ...serverProblems(cluster, node, facts, task, problem),
    ...credentialProblems(facts, problem),
  ];
}

type MakeProblem = (error: ErrorName, message: string, remedy: string) => Problem;

function softwareProblems(cluster: Cluster, facts: PreflightFacts, problem: MakeProblem): Problem[] {
  const { osUser, binDirectory, majorVersion } = cluster.postgres;
  const found: Problem[] = [];
  if (!facts.osUserExists) {
    found.push(
      problem(
        'OsUserMissing',
        `The user "${osUser}" does not exist.`,
        'Install PostgreSQL, or set postgres.osUser in clusters.json.',
      ),
    );
  }
  if (facts.missingPrograms.includes(`${binDirectory}/postgres`)) {
    found.push(
      problem(
        'PostgresNotInstalled',
        `There is no PostgreSQL server in ${binDirectory}.`,
        `Install PostgreSQL ${majorVersion} on the host, or set postgres.binDirectory in clusters.json.`,
      ),
    );
  } else if (facts.missingPrograms.length > 0) {
    found.push(
      problem(
        'ProgramMissing',
        `Not found: ${facts.missingPrograms.join(', ')}.`,
        'Install what is missing on the host.',
      ),
    );
  }
  const installed = facts.postgresVersion?.split('.')[0];
  if (installed !== undefined && installed !== `${majorVersion}`) {
    found.push(
      problem(
        'WrongPostgresVersion',
        `${binDirectory} holds PostgreSQL ${facts.postgresVersion}; clusters.json says ${majorVersion}.`,
        `Install PostgreSQL ${majorVersion}, or correct postgres.majorVersion and postgres.binDirectory.`,
      ),
    );
  }
  const dataVersion = facts.dataDirectory.majorVersion;
  if (dataVersion !== null && dataVersion !== `${majorVersion}`) {
    found.push(
      problem(
        'WrongPostgresVersion',
        `The data directory was made by PostgreSQL ${dataVersion}; clusters.json says ${majorVersion}.`,
        'Correct postgres.majorVersion or postgres.dataDirectory. Setup does not upgrade a cluster.',
      ),
    );
  }
  return found;
}

function dataDirectoryProblems(
  cluster: Cluster,
  node: ClusterNode,
  facts: PreflightFacts,
  task: NodeTask,
  problem: MakeProblem,
): Problem[] {
  const directory = dataDirectoryOf(cluster, node);
  const { state, sample, standbySignal, systemIdentifier, isMountPoint, linkTo, parentWritable } = facts.dataDirectory;
  const keep = 'Nothing was deleted. If its contents are not needed, move them away on the host and start setup again.';
  // An existing cluster behind a link may stay there: nothing is copied to it.
  if (linkTo !== null && state !== 'postgres') {
    return [
      problem(
        'DataDirectoryIsLink',
        `${directory} is a symbolic link to ${linkTo}; a new data directory is made beside it and renamed into place.`,
        'Set dataDirectory in clusters.json to that path and deploy.',
      ),
    ];
  }
  if (state === 'other') {
    return [
      problem(
        'DataDirectoryNotEmpty',
        `${directory} is not empty and holds no PostgreSQL cluster (${sample.join(', ')}).`,
        keep,
      ),
    ];
  }
  if (state === 'postgres') {
    if (task.role !== 'standby') return [];
    if (task.systemIdentifier !== null && systemIdentifier !== task.systemIdentifier) {
      return [
        problem(
          'DataDirectoryNotEmpty',
          `${directory} holds another cluster (system identifier ${systemIdentifier}; the primary's is ${task.systemIdentifier}).`,
          keep,
        ),
      ];
    }
    if (!standbySignal) {
      return [
        problem(
          'DataDirectoryNotEmpty',
          `${directory} holds this cluster's data without standby.signal: it would start as a second primary.`,
          'It looks like a former primary. Nothing was changed; bring it back by rejoining it, or move the directory away and start setup again.',
        ),
      ];
    }
    return [];
  }
  const found: Problem[] = [];
  if (isMountPoint) {
    found.push(
      problem(
        'DataDirectoryIsMountPoint',
        `${directory} is a mount point; a base backup is made beside the data directory and renamed into place.`,
        'Mount the file system one level higher, or set postgres.dataDirectory to a directory inside it.',
      ),
    );
  }
  if (!parentWritable) {
    found.push(
      problem(
        'DataDirectoryNotWritable',
        `"${cluster.postgres.osUser}" cannot write to the parent of ${directory}.`,
        `Create the parent directory and give it to ${cluster.postgres.osUser}.`,
      ),
    );
  }
  return found;
}

function diskProblems(cluster: Cluster, facts: PreflightFacts, task: NodeTask, problem: MakeProblem): Problem[] {
  if (!isVacant(facts)) return [];
  const needed = task.expectedBytes + cluster.policy.minimumFreeMiB * mebibyte;
  if (facts.freeBytes >= needed) return [];
  return [
    problem(
      'DiskTooSmall',
      `${inMebibytes(facts.freeBytes)} are free; ${inMebibytes(task.expectedBytes)} of data and ${cluster.policy.minimumFreeMiB} MiB to spare need ${inMebibytes(needed)}.`,
      'Enlarge the file system (or lower policy.minimumFreeMiB) and start setup again.',
    ),
  ];
}

/** True when any standby matches the list, so that a running base backup would count as one. */
function hasWildcard(synchronousStandbyNames: string): boolean {
  try {
    return parseSynchronousStandbyNames(synchronousStandbyNames)?.names.includes('*') ?? false;
  } catch {
    return false;
  }
}

function serverProblems(
  cluster: Cluster,
  node: ClusterNode,
  facts: PreflightFacts,
  task: NodeTask,
  problem: MakeProblem,
): Problem[] {
  const { server, portTakenBy } = facts;
  const found: Problem[] = [];
  if (server.failure !== null) {
    found.push(
      problem(
        'PostgresNotAnswering',
        `PostgreSQL runs but does not answer on its Unix socket: ${server.failure}`,
        /system is starting up/.test(server.failure)
          ? 'Start setup again when its recovery is over; its log says how far that is.'
          : `The host must let "${cluster.postgres.osUser}" in locally (pg_hba.conf: local all ${cluster.postgres.osUser} peer).`,
      ),
    );
  }
  const directory = dataDirectoryOf(cluster, node);
  if (server.configFile !== null && !server.configFile.startsWith(`${directory}/`)) {
    found.push(
      problem(
        'ConfigurationOutsideDataDirectory',
        `PostgreSQL uses ${server.configFile}, outside ${directory}; a base backup would not copy it.`,
        'Move the configuration files into the data directory (or correct postgres.dataDirectory).',
      ),
    );
  }
  if (task.role === 'primary' && task.buildsStandbys && hasWildcard(server.synchronousStandbyNames ?? '')) {
    found.push(
      problem(
        'WildcardSynchronousStandbyNames',
        `synchronous_standby_names is ${server.synchronousStandbyNames}: a running base backup would count as a standby and stall every commit.`,
        'List the standbys by name, or empty the setting (ALTER SYSTEM, pg_reload_conf) until setup sets it.',
      ),
    );
  }
  if (portTakenBy !== null) {
    found.push(
      problem(
        'PortInUse',
        `Port ${node.port ?? cluster.postgres.port} is taken by ${portTakenBy}.`,
        'Stop what listens there, or give PostgreSQL another port in clusters.json.',
      ),
    );
  }
  return found;
}

function credentialProblems(facts: PreflightFacts, problem: MakeProblem): Problem[] {
  const { failure } = facts.secret;
  if (failure === null) return [];
  return [
    problem(
      'SecretUnreadable',
      `The host cannot read the replication secret: ${failure}`,
      'Run the command of the stack\'s output AllowHosts (or set network.hostRoleName and deploy), and check that the secret is {"username":…,"password":…}.',
    ),
  ];
}

/**
 * Every node reads the same secret, so a user that is not the configured one is one problem of the cluster, told with
 * the primary's refusal when there is a primary to ask, else with whatever the nodes' PostgreSQL said.
 */
export function replicationUserProblem(
  cluster: Cluster,
  secrets: readonly PreflightFacts['secret'][],
  primary: string | undefined,
): Problem | null {
  const configured = cluster.replication.user;
  const wrong = secrets.filter(({ user }) => user !== null && user !== configured);
  const [first] = wrong;
  if (first === undefined) return null;
  const refusals = [...new Set(wrong.flatMap((secret) => secret.refusals))];
  const fromPrimary = refusals.filter((refusal) => primary !== undefined && refusal.startsWith(`${primary}: `));
  const [words = 'No PostgreSQL of this cluster runs yet that could be asked.'] = [...fromPrimary, ...refusals];
  return {
    node: null,
    error: 'ReplicationUserRefused' satisfies ErrorName,
    message: `The replication secret names the user "${first.user}"; clusters.json and pg_hba.conf allow "${configured}" only.\n${words}`,
    remedy: `Put {"username":"${configured}",…} back into the secret, or change replication.user in clusters.json and deploy.`,
  };
}
