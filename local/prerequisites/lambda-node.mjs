/**
 * The Node.js that the Lambda functions run on, as the npm package `node`: so that what is tested here is what runs
 * there, whatever Node.js the machine has. Plain JavaScript, see run.mjs.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, say } from './words.mjs';

/**
 * Directory of the program `node`; installs it if the package's own installer was not allowed to run.
 * @param {string} root directory of the project
 * @returns {string}
 */
export function ensureLambdaNode(root) {
  const directory = join(root, 'node_modules', 'node');
  const bin = join(directory, 'bin');
  const program = join(bin, 'node');
  if (existsSync(program)) return bin;
  say('the Node.js of the Lambda functions is missing (npm ran no install scripts): running its installer');
  const { status, error } = spawnSync(process.execPath, ['installArchSpecificPackage.js'], {
    cwd: directory,
    stdio: ['ignore', 2, 2],
    // npm hands its settings down to what it starts; this one must not stop the installer's own npm.
    env: { ...process.env, npm_config_ignore_scripts: 'false', npm_config_loglevel: 'error' },
  });
  if (error !== undefined || status !== 0 || !existsSync(program)) {
    throw new Failure(
      `the npm package "node" has no program for ${process.platform} ${process.arch}`,
      'Its installer’s words are above. Run npm rebuild node in the project, and the command again.',
    );
  }
  return bin;
}
