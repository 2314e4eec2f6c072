/** Size of each function's bundle, and the time to import it in a new process: the part of a cold start that is ours. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { median, timed } from './measure.ts';

/** One function's figures. */
export interface BundleFigures {
  readonly name: string;
  readonly kilobytes: number;
  readonly zippedKilobytes: number;
  readonly importMilliseconds: number;
}

interface Template {
  readonly Resources: Record<
    string,
    { Type: string; Metadata?: Record<string, string>; Properties: Record<string, unknown> }
  >;
}

/** Figures of every function of a synthesized stack. */
export async function bundleFigures(assembly: string): Promise<BundleFigures[]> {
  const [file] = readdirSync(assembly).filter((name) => name.endsWith('.template.json'));
  const { Resources } = JSON.parse(readFileSync(join(assembly, file ?? ''), 'utf8')) as Template;
  const functions = Object.values(Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function');
  const figures: BundleFigures[] = [];
  for (const { Properties } of functions) {
    const key = String((Properties.Code as { S3Key: unknown }).S3Key).replace(/\.zip$/, '');
    const bundle = join(assembly, `asset.${key}`, 'index.js');
    const { Variables = {} } = (Properties.Environment ?? {}) as { Variables?: Record<string, unknown> };
    const names = Object.keys(Variables).map((name) => [name, 'x']);
    const env = { ...process.env, AWS_REGION: 'us-east-1', ...Object.fromEntries(names) };
    const program = `const t = performance.now(); require(${JSON.stringify(bundle)}); console.log(performance.now() - t)`;
    const imports: number[] = [];
    for (let repeat = 0; repeat < 5; repeat += 1) {
      imports.push(Number((await timed(process.execPath, ['-e', program], { env })).output));
    }
    figures.push({
      name: String(Properties.FunctionName),
      kilobytes: statSync(bundle).size / 1024,
      zippedKilobytes: gzipSync(readFileSync(bundle)).length / 1024,
      importMilliseconds: median(imports),
    });
  }
  return figures;
}
