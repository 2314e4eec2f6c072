/**
 * A script as the SSM agent starts it (agent/executers/executers.go in github.com/aws/amazon-ssm-agent): by `sh -c FILE`, so
 * that its first line says what runs it; leader of a process group; with an empty stdin, and pipes for its output.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { HostScript, RunningScript, ScriptEnd } from './host.ts';

/** `sh` that starts the script in the agent's working directory and with its umask. */
export const asAgent = (path: string): string[] => [
  'sh',
  '-c',
  'umask 022; cd /usr/bin && unset OLDPWD && exec sh -c "$1"',
  'sh',
  path,
];

/** What systemd gives its services, and what the agent adds for its scripts. No HOME, no USER, no AWS_REGION. */
export function agentEnvironment(script: HostScript, path: string): Record<string, string> {
  return { PATH: path, LANG: 'C.UTF-8', ...script.environment };
}

/** Copies a pipe into a file until its last writer has closed it; returns how to stop before. */
function record(pipe: Readable, path: string): { readonly whole: Promise<void>; stop(): void } {
  // There at once, for whoever follows it.
  const file = createWriteStream(path, { fd: openSync(path, 'w', 0o600) });
  pipe.pipe(file);
  return {
    whole: finished(file).catch(() => undefined),
    stop() {
      pipe.unpipe(file);
      file.end();
      // What still holds the other end may go on writing; nobody reads it.
      pipe.destroy();
    },
  };
}

/** Starts a program that runs a script; its output goes to the script's files. */
export function startScript(
  script: HostScript,
  [program = '', ...args]: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): { readonly child: ChildProcess; readonly running: RunningScript } {
  for (const path of [script.stdoutPath, script.stderrPath]) mkdirSync(dirname(path), { recursive: true });
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const outputs = [record(child.stdout, script.stdoutPath), record(child.stderr, script.stderrPath)];
  let resolveEnded: (end: ScriptEnd) => void = () => undefined;
  const ended = new Promise<ScriptEnd>((resolve) => {
    resolveEnded = resolve;
    child.on('error', () => resolve({ code: 127, signal: null }));
    // Not `exit`: the agent waits for everybody who holds one of the pipes.
    child.on('close', (code, signal) => {
      void Promise.all(outputs.map(({ whole }) => whole)).then(() => resolve({ code, signal }));
    });
  });
  return {
    child,
    running: {
      ended,
      kill() {
        try {
          // The whole group at once, without a chance to clean up. Later its number may be another's.
          if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
            process.kill(-child.pid, 'SIGKILL');
        } catch {
          // It ended meanwhile.
        }
        // It waits no longer for what other groups hold, and takes no more of their output.
        for (const output of outputs) output.stop();
        void Promise.all(outputs.map(({ whole }) => whole)).then(() => resolveEnded({ code: null, signal: 'SIGKILL' }));
      },
    },
  };
}
