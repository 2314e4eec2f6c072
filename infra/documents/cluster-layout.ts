/** The cluster's constants as bash: the part of a command's script that tells it where everything is. */
import type { Cluster } from '../../lambdas/contract/cluster-config.ts';
import { resourceNames } from '../../lambdas/contract/names.ts';
import { managedSettings, standbyLimits } from '../../lambdas/contract/postgres-settings.ts';
import { slotName } from '../../lambdas/contract/slot-name.ts';

/** What the stack knows and the configuration does not; the ids may be CDK tokens. */
export interface DeploymentFacts {
  readonly replicationSecretId: string;
  readonly monitoringSecretId: string;
  readonly region: string;
}

/** A text as one word of bash, whatever is in it. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The same, without quotes where it needs none: of 32 nodes they fill kilobytes. */
const argument = (text: string): string => (/^[A-Za-z0-9_./:,@+-]+$/.test(text) ? text : quoted(text));

/** The words up to the last that is not empty: 32 nodes that differ in nothing fill kilobytes, too. */
function withoutEnd(words: readonly string[]): readonly string[] {
  return words.slice(0, words.findLastIndex((word) => word !== '') + 1);
}

/** The slot of a node; nothing where the host can make it of the name without changing a letter, as any locale does. */
function slotOf(node: string): string {
  const slot = slotName(node);
  return slot === node.replace(/[.-]/g, '_') ? '' : slot;
}

/**
 * Lines that set the cluster's constants. They are part of each document, so whoever may send commands cannot name
 * another directory, program or user.
 *
 * @param script the code that they are for: without the managed settings if it does not name them
 */
export function clusterLayout(cluster: Cluster, facts: DeploymentFacts, script: readonly string[]): string[] {
  const { postgres, replication, monitoring, network } = cluster;
  const service = postgres.serviceControl;
  const constants: [string, string][] = [
    ['CLUSTER', cluster.name],
    ['MAJOR_VERSION', `${postgres.majorVersion}`],
    ['BIN_DIRECTORY', postgres.binDirectory],
    ['OS_USER', postgres.osUser],
    ['SERVICE_CONTROL', service.kind],
    ['SERVICE_UNIT', service.kind === 'systemd' ? service.unit : ''],
    ['REPLICATION_USER', replication.user],
    ['MONITORING_USER', monitoring.user],
    ['REPLICATION_SECRET', facts.replicationSecretId],
    ['MONITORING_SECRET', facts.monitoringSecretId],
    ['LOG_GROUP', resourceNames(cluster.name).commandLogGroup],
    ['REGION', facts.region],
    ['AUTHENTICATION', replication.authentication],
    ['COMMIT_LEVEL', replication.commitLevel],
    ['TLS', replication.tls ? 'on' : 'off'],
    ['SSLMODE', replication.tls ? 'require' : 'disable'],
    ['COMMON_PORT', `${postgres.port}`],
    ['COMMON_DATA_DIRECTORY', postgres.dataDirectory],
    ['COMMON_SOCKET_DIRECTORY', postgres.socketDirectory ?? ''],
  ];
  const settings = script.some((line) => line.includes('SETTING_')) ? settingsLayout(cluster) : noSettings;
  return [
    'declare -A NODE_ADDRESS NODE_CONNECTS_FROM NODE_PORT NODE_DATA_DIRECTORY NODE_SOCKET_DIRECTORY \\',
    'NODE_LISTEN_ADDRESSES NODE_SLOT',
    'layout() {',
    ...constants.map(([name, value]) => `${name}=${quoted(value)}`),
    `OBSERVER_NETWORKS=(${network.observerSubnets.map(({ cidr }) => quoted(cidr)).join(' ')})`,
    `LIMITS=(${standbyLimits.join(' ')})`,
    'NODES=()',
    '# name, address; what is its own: where its connections come from, port, data directory, socket directory, slot',
    ...cluster.nodes.map((node) =>
      [
        'add_node',
        ...withoutEnd([
          node.name,
          node.address,
          node.connectsFrom ?? '',
          `${node.port ?? ''}`,
          node.dataDirectory ?? '',
          node.socketDirectory ?? '',
          slotOf(node.name),
        ]).map(argument),
      ].join(' '),
    ),
    ...settings.lines,
    '}',
    'add_node() {',
    'NODES+=("$1")',
    'NODE_ADDRESS[$1]=$2 NODE_CONNECTS_FROM[$1]=${3:-$2} NODE_PORT[$1]=${4:-$COMMON_PORT}',
    'NODE_DATA_DIRECTORY[$1]=${5:-$COMMON_DATA_DIRECTORY} NODE_SOCKET_DIRECTORY[$1]=${6:-$COMMON_SOCKET_DIRECTORY}',
    `NODE_LISTEN_ADDRESSES[$1]=${postgres.listenAddresses === '*' ? "'*'" : '$2,localhost'} NODE_SLOT[$1]=\${7:-\${1//[.-]/_}}`,
    '}',
    ...settings.functions,
    'layout',
  ];
}

const noSettings = { lines: [], functions: [] };

/** The managed settings: one line each, and the function that they call. */
function settingsLayout(cluster: Cluster): { lines: readonly string[]; functions: readonly string[] } {
  return {
    lines: [
      'SETTING_NAMES=() SETTING_VALUES=() SETTING_RULES=() SETTING_ACCEPTED=()',
      '# name, value, when another value may stay, values that may stay',
      ...managedSettings(cluster).map(({ name, value, rule, accepted = [] }) =>
        ['add_setting', ...[name, value, rule, accepted.join(',')].map(argument)].join(' '),
      ),
    ],
    functions: [
      'add_setting() {',
      'SETTING_NAMES+=("$1") SETTING_VALUES+=("$2") SETTING_RULES+=("$3") SETTING_ACCEPTED+=("$4")',
      '}',
    ],
  };
}
