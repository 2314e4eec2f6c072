import { dirname } from 'node:path';
import type { ClusterNode } from '../../lambdas/contract/cluster-config.ts';
import { dataDirectoryOf, type LocalCluster } from '../../local/client/host-access.ts';
import { processesOf } from '../../local/hosts/host-processes.ts';

/** SIGSTOP of everything on a host that is made of processes, until this is disposed of: its connections stay open. */
export function hang(cluster: LocalCluster, node: ClusterNode): Disposable {
  const host = dirname(dataDirectoryOf(cluster, node));
  const pids = processesOf(host).map(({ pid }) => pid);
  const signal = (name: NodeJS.Signals) => {
    for (const pid of pids) {
      try {
        process.kill(pid, name);
      } catch {
        // It has ended.
      }
    }
  };
  signal('SIGSTOP');
  return { [Symbol.dispose]: () => signal('SIGCONT') };
}
