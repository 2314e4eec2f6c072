/**
 * Runs a command of the project with everything it needs: `node local/prerequisites/run.mjs [options] COMMAND…`
 *
 * On a fresh clone nothing is installed yet, so this is plain JavaScript without dependencies that runs on any Node.js
 * from 16 on. What is missing is installed, said aloud before it is done; if nothing is missing, nothing is said.
 * The command then finds the project's programs first on its search path. One of them is the Node.js that the Lambda
 * functions run on: what is tested here is what runs there, whatever Node.js the machine has.
 */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureNpmPackages, searchPath } from './npm-packages.mjs';
import { ensureAwsCli, ensureBrowser, ensureMachinePackages, ensureSystemPackages } from './system-packages.mjs';
import { Failure, say } from './words.mjs';

const usage = `usage: node local/prerequisites/run.mjs [--postgres] [--machines] [--browser] [--aws-cli] [--reap] COMMAND [ARGUMENT…]
  --postgres  the command needs a PostgreSQL server on this machine
  --machines  its hosts may be machines (so may those of a command that is given --hosts machines)
  --browser   it tests pages: with a browser, if this machine has or gets one
  --aws-cli   it tests commands of the AWS CLI: with Debian's, if this machine has or gets it
  --reap      end every process that the command leaves behind`;

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** @param {readonly string[]} args */
function main(args) {
  const first = args.findIndex((arg) => !arg.startsWith('--'));
  const options = first < 0 ? args : args.slice(0, first);
  const command = first < 0 ? [] : args.slice(first);
  const unknown = options.find(
    (option) => !['--postgres', '--machines', '--browser', '--aws-cli', '--reap'].includes(option),
  );
  if (unknown !== undefined) throw new Failure(`unknown option ${unknown}`, usage);
  if (command.length === 0) throw new Failure('there is no command to run', usage);

  const path = searchPath(ensureNpmPackages(root));
  if (options.includes('--postgres')) ensureSystemPackages();
  const asked = command.includes('--hosts=machines') || command[command.indexOf('--hosts') + 1] === 'machines';
  if (options.includes('--machines') || asked) ensureMachinePackages();
  if (options.includes('--browser')) ensureBrowser();
  if (options.includes('--aws-cli')) ensureAwsCli();
  execute(options.includes('--reap') ? ['perl', join(root, 'local', 'reaper.pl'), ...command] : command, path);
}

/**
 * Runs the command in this process's place, as far as Node.js can: signals go through, and it ends as the command ends.
 * @param {readonly string[]} command
 * @param {string} path
 */
function execute([program = '', ...args], path) {
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, PATH: path } });
  /** @type {NodeJS.Signals[]} */
  const signals = ['SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGINT'];
  for (const signal of signals) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to every process of the group, the command included; twice would mean "at once".
      const byTerminal = process.stdin.isTTY && (signal === 'SIGINT' || signal === 'SIGQUIT');
      if (!byTerminal) child.kill(signal);
    });
  }
  child.on('error', (error) => {
    say(`${program} does not start: ${error.message}`);
    process.exitCode = 127;
  });
  child.on('exit', (code, signal) => {
    for (const each of signals) process.removeAllListeners(each);
    if (signal === null) process.exitCode = code ?? 1;
    else process.kill(process.pid, signal);
  });
}

try {
  main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  say(error.message);
  process.exitCode = 1;
}
