/** The rules that keep the folders apart: each is broken once, in a project of its own. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'import-rules-'));
afterAll(() => rmSync(directory, { recursive: true }));

const files: Record<string, string> = {
  'package.json': JSON.stringify({ dependencies: { zod: '1.0.0' }, devDependencies: { tool: '1.0.0' } }),
  'node_modules/zod/index.js': '',
  'node_modules/tool/index.js': '',
  'node_modules/undeclared/index.js': '',
  'infra/app.ts': `import '../lambdas/contract/names.ts'; import '../lambdas/domain/health.ts'; import 'tool';`,
  'lambdas/contract/names.ts': `import 'zod'; import type { T } from '../domain/health.ts';`,
  'lambdas/domain/health.ts': `import '../adapters/ssm.ts'; import 'node:fs'; import 'zod'; export type T = 1;`,
  'lambdas/adapters/ssm.ts': `import '../handlers/one.ts'; import 'undeclared'; import './absent.ts';`,
  'lambdas/widget/picture.tsx': `import '../adapters/ssm.ts'; export const picture = (words: string) => <p>{words}</p>;`,
  'lambdas/handlers/one.ts': `import '../domain/health.ts'; import '../../local/main.ts';`,
  'lambdas/handlers/two.ts': `import './one.ts'; using resource = undefined as unknown as Disposable;`,
  'local/main.ts': `import '../lambdas/domain/health.ts'; import '../test/helper.ts';`,
  'local/left-over.ts': '',
  'local/only-tested.ts': `import 'zod';`,
  'bench/main.ts': `import '../test/helper.ts';`,
  'test/helper.ts': `import '../infra/app.ts'; import 'tool';`,
  'test/unit.test.ts': `import '../local/only-tested.ts'; import './helper.ts';`,
};

/** Each violation as `rule: from → to`. */
let found: string[] = [];

beforeAll(() => {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  const program = join(root, 'node_modules/.bin/depcruise');
  const config = join(root, '.dependency-cruiser.cjs');
  const args = [program, '--config', config, '--output-type', 'json', 'infra', 'lambdas', 'local', 'test', 'bench'];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: directory, encoding: 'utf8' });
  expect(stderr).toBe('');
  const report: { summary: { violations: { rule: { name: string }; from: string; to: string }[] } } =
    JSON.parse(stdout);
  found = report.summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`);
});

describe('are reported:', () => {
  it.each([
    'infra-imports: infra/app.ts → lambdas/domain/health.ts',
    'lambdas-contract-imports: lambdas/contract/names.ts → lambdas/domain/health.ts',
    'lambdas-domain-imports: lambdas/domain/health.ts → lambdas/adapters/ssm.ts',
    'lambdas-adapters-imports: lambdas/adapters/ssm.ts → lambdas/handlers/one.ts',
    'lambdas-widget-imports: lambdas/widget/picture.tsx → lambdas/adapters/ssm.ts',
    'lambdas-handlers-imports: lambdas/handlers/one.ts → local/main.ts',
    'local-imports: local/main.ts → lambdas/domain/health.ts',
    'local-imports: local/main.ts → test/helper.ts',
    'bench-imports: bench/main.ts → test/helper.ts',
    'domain-is-pure: lambdas/domain/health.ts → fs',
    'handlers-do-not-import-handlers: lambdas/handlers/two.ts → lambdas/handlers/one.ts',
    'no-dead-code: local/only-tested.ts → local/only-tested.ts',
    'no-orphans: local/left-over.ts → local/left-over.ts',
    'no-dev-dependencies-in-what-is-deployed: infra/app.ts → node_modules/tool/index.js',
    'no-undeclared-packages: lambdas/adapters/ssm.ts → node_modules/undeclared/index.js',
    'no-unresolvable: lambdas/adapters/ssm.ts → ./absent.ts',
  ])('%s', (violation) => {
    expect(found).toContain(violation);
  });

  it('cycles', () => {
    expect(found.some((line) => line.startsWith('no-cycles: lambdas/domain/health.ts → '))).toBe(true);
  });
});

describe('are not reported:', () => {
  it.each([
    ['infra imports the contract', 'infra/app.ts → lambdas/contract/names.ts'],
    ['domain imports zod', 'lambdas/domain/health.ts → node_modules/zod/index.js'],
    ['tests import anything', 'test/helper.ts → '],
  ])('%s', (_, violation) => {
    expect(found.filter((line) => !line.startsWith('no-cycles') && line.includes(violation))).toEqual([]);
  });
});
