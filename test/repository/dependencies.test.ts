import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

type Packages = Record<string, string>;
const project: { dependencies: Packages; devDependencies: Packages; optionalDependencies?: Packages } = JSON.parse(
  read('package.json'),
);
const declared: Packages = { ...project.dependencies, ...project.devDependencies, ...project.optionalDependencies };

it('each dependency has its reason in docs/dependencies.md, and each reason its dependency', () => {
  const explained = [...read('docs/dependencies.md').matchAll(/^- `([^`]+)`: \S/gm)].map(([, name]) => name);
  expect(explained.sort()).toEqual(Object.keys(declared).sort());
});

it('each dependency has an exact version', () => {
  const loose = Object.entries(declared).filter(
    ([, version]) => !/^(?:npm:@?[^@]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version),
  );
  expect(loose).toEqual([]);
});

it('the lockfile holds hashes and no addresses, so any registry serves', () => {
  const { packages }: { packages: Record<string, { resolved?: string; integrity?: string; inBundle?: boolean }> } =
    JSON.parse(read('package-lock.json'));
  const others = Object.entries(packages).filter(([path]) => path !== '');
  expect(others.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
  expect(
    others.filter(([, { integrity, inBundle }]) => integrity === undefined && inBundle !== true).map(([path]) => path),
  ).toEqual([]);
});
