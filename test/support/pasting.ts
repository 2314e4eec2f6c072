/** Somebody who pastes the documentation's commands into a shell, with the ordinary AWS CLI and a local runtime as AWS. */
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ClusterNode } from '../../lambdas/contract/cluster-config.ts';
import { type LocalCluster, onHost } from '../../local/client/host-access.ts';
import { directoryOfTest, type LocalRuntime } from './local-runtime.ts';

const run = promisify(execFile);

/** Debian's; another one on the search path may be anything. */
const awsCli = '/usr/bin/aws';

/** For `describe.skipIf`. */
export const noAwsCli = !existsSync(awsCli);

/** A title that says why its tests are skipped, where they are. */
export const titledWithCli = (title: string) =>
  noAwsCli ? `${title} (skipped: ${awsCli}, Debian's awscli, is not installed)` : title;

export class Pasting {
  readonly #directory = directoryOfTest('pasting-');

  /** Pastes blocks into one shell, one after the other; gives what they print. Each must succeed. */
  async paste(runtime: LocalRuntime, ...blocks: readonly string[]): Promise<string> {
    const program = join(this.#directory, 'aws');
    writeFileSync(
      program,
      `#!/bin/sh\nprintf '%s\\n' "$*" >>${this.#log}\nexec ${awsCli} --endpoint-url ${runtime.endpoint} "$@"\n`,
    );
    chmodSync(program, 0o755);
    const shell = blocks.map((block) => `${block}\nstatus=$?; if [ "$status" != 0 ]; then exit "$status"; fi`);
    const { stdout } = await run('bash', ['-c', shell.join('\n')], {
      env: {
        PATH: `${this.#directory}:${process.env.PATH}`,
        HOME: this.#directory,
        AWS_ACCESS_KEY_ID: 'local',
        AWS_SECRET_ACCESS_KEY: 'local',
        AWS_DEFAULT_REGION: runtime.cluster.network.region,
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_PAGER: '',
      },
    });
    return stdout;
  }

  /** Pastes a block into a shell on a host, as somebody who may become root there. */
  pasteOnHost(cluster: LocalCluster, node: ClusterNode, block: string): Promise<string> {
    return onHost(cluster, node, ['bash', '-c', `${hostPrelude}\n${block}`]);
  }

  /** The options of every call of the AWS CLI. */
  get calls(): string {
    return readFileSync(this.#log, 'utf8');
  }

  get #log(): string {
    return join(this.#directory, 'calls');
  }
}

/** Machines of this system may be without sudo; a shell on a host is root's, or of the only user that there is. */
const hostPrelude =
  'sudo() { if [ "$1" = -u ] && [ "$(id -u)" = 0 ]; then runuser -u "$2" -- "${@:3}"; else "$@"; fi; }';
