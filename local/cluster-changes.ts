/** Says what of a clusters file is different here. */
import type { Cluster } from '../lambdas/contract/cluster-config.ts';

/**
 * One aligned line for each difference between the clusters of a file and those that run here.
 *
 * @param ofVersion what a changed PostgreSQL version means for the rest
 */
export function describeChanges(from: readonly Cluster[], to: readonly Cluster[], ofVersion = ''): string[] {
  return table(from.flatMap((cluster, index) => changes(cluster, to[index] ?? cluster, ofVersion)));
}

type Row = [cluster: string, node: string, what: string, change: string];

/** What differs between a cluster and the one that runs here. */
function changes(from: Cluster, to: Cluster, ofVersion: string): Row[] {
  const rows: Row[] = [];
  const note = (node: string, what: string, before: string, after: string, why = '') => {
    if (before !== after) rows.push([from.name, node, what, `${before} → ${after}${why}`]);
  };
  const { postgres: was } = from;
  const { postgres: is } = to;
  note(
    '',
    'PostgreSQL',
    `${was.majorVersion}`,
    `${is.majorVersion}`,
    ` (${was.majorVersion} is not installed here${ofVersion})`,
  );
  note('', 'programs', was.binDirectory, is.binDirectory);
  note('', 'port', `${was.port}`, `${is.port}`, ` (${was.port} is taken)`);
  note('', 'user', was.osUser, is.osUser);
  note('', 'service control', serviceControl(was), serviceControl(is));
  note('', 'listens on', was.listenAddresses, is.listenAddresses);
  note('', 'slots keep', `${was.slotKeepSegments}`, `${is.slotKeepSegments}`, ' (PostgreSQL 12 has no such bound)');
  from.nodes.forEach((node, index) => {
    const placed = to.nodes[index] ?? node;
    note(node.name, 'address', node.address, placed.address);
    note(node.name, 'connects from', node.connectsFrom ?? node.address, placed.connectsFrom ?? placed.address);
    if (node.port !== undefined) note(node.name, 'port', `${node.port}`, `${placed.port}`, ` (${node.port} is taken)`);
    note(node.name, 'data', node.dataDirectory ?? was.dataDirectory, placed.dataDirectory ?? is.dataDirectory);
    note(
      node.name,
      'socket',
      node.socketDirectory ?? was.socketDirectory ?? 'default',
      placed.socketDirectory ?? is.socketDirectory ?? 'default',
    );
  });
  from.network.observerSubnets.forEach((subnet, index) => {
    note('', 'observer', subnet.cidr, to.network.observerSubnets[index]?.cidr ?? subnet.cidr);
  });
  return rows;
}

function serviceControl({ serviceControl: control }: Cluster['postgres']): string {
  return control.kind === 'systemd' ? `systemd (${control.unit})` : control.kind;
}

/** Rows with their columns aligned. */
function table(rows: readonly Row[]): string[] {
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
}
