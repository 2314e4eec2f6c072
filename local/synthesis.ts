/** Runs the CDK app as the CDK CLI does, into a directory of the runtime's own. */
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** The clusters that an assembly was made of, beside it once it is whole. */
const madeOf = (output: string) => `${output}.clusters.json`;

/**
 * Whether `output` holds the whole assembly of these very clusters. It may be of other sources than those that are
 * there now.
 */
export function isSynthesized(clustersFile: string, output: string): boolean {
  const made = madeOf(output);
  return existsSync(made) && readFileSync(made, 'utf8') === readFileSync(clustersFile, 'utf8');
}

/** Synthesizes the clusters of a file; rejects with what the app said. */
export async function synthesize(project: string, clustersFile: string, output: string): Promise<void> {
  const { app, context } = JSON.parse(readFileSync(join(project, 'cdk.json'), 'utf8')) as {
    app: string;
    context?: Record<string, unknown>;
  };
  rmSync(madeOf(output), { force: true });
  rmSync(output, { recursive: true, force: true });
  const child = spawn(app, {
    cwd: project,
    shell: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      // The runtime's own Node.js for an app command that says just `node`.
      PATH: `${join(process.execPath, '..')}:${process.env.PATH ?? ''}`,
      CDK_OUTDIR: output,
      CDK_CONTEXT_JSON: JSON.stringify({ ...context, clusters: clustersFile }),
    },
  });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => said.push(text));
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`The CDK app (${app}) ended with ${code}:\n${said.join('').trim()}`);
  copyFileSync(clustersFile, madeOf(output));
}
