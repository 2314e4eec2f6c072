/** Connections to PostgreSQL as a program on its own host makes them. */
import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import type { ClusterNode } from '../../lambdas/contract/cluster-config.ts';
import { type LocalCluster, networkOf } from './host-access.ts';

const connectScript = fileURLToPath(new URL('./connect-in-network.mjs', import.meta.url));

/** What makes a client of `pg` connect to a node from the node's host. */
export async function hostConnection(cluster: LocalCluster, node: ClusterNode): Promise<pg.ClientConfig> {
  const port = node.port ?? cluster.postgres.port;
  const network = networkOf(cluster, node);
  if (network === undefined) return { host: node.address, port };
  const socket = await connectIn(network, '127.0.0.1', port);
  // pg would connect it once more.
  const connected = Object.assign(socket, {
    connect: () => {
      setImmediate(() => socket.emit('connect'));
      return socket;
    },
  });
  return { stream: () => connected };
}

async function connectIn(network: string, address: string, port: number): Promise<Socket> {
  const args = [`--net=${network}`, '--', process.execPath, connectScript, address, `${port}`];
  const child = spawn('nsenter', args, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], cwd: '/' });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('message', (message: { error?: string }, handle) => {
      if (message.error === undefined) resolve(handle as Socket);
      else reject(new Error(message.error));
    });
    child.on('exit', (code) => reject(new Error(`no connection to ${address}:${port} was made (${code})`)));
  });
}
