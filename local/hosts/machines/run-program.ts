import { spawn } from 'node:child_process';

/** Runs a program to its end, with some standard input; gives its output, or throws what it said. */
export async function runProgram([program = '', ...args]: readonly string[], input = ''): Promise<string> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], cwd: '/' });
  const said: { out: string[]; err: string[] } = { out: [], err: [] };
  child.stdout.setEncoding('utf8').on('data', (text: string) => said.out.push(text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.err.push(text));
  // A program that ends without reading is judged by its exit code.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${said.err.join('').trim()}`);
  return said.out.join('');
}
