import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

type Packages = Record<string, string>;
type Project = { dependencies: Packages; devDependencies?: Packages; optionalDependencies?: Packages };
const declaredBy = ({ dependencies, devDependencies, optionalDependencies }: Project): Packages => ({
  ...dependencies,
  ...devDependencies,
  ...optionalDependencies,
});
const declared: Packages = Object.assign(
  {},
  ...['package.json', 'local/prerequisites/toolchain/package.json'].map((file) => declaredBy(JSON.parse(read(file)))),
);

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

it.each(['', 'local/prerequisites/toolchain/'])(
  '%spackage-lock.json has hashes and no addresses, so any registry serves',
  (directory) => {
    const { packages }: { packages: Record<string, { resolved?: string; integrity?: string; inBundle?: boolean }> } =
      JSON.parse(read(`${directory}package-lock.json`));
    const others = Object.entries(packages).filter(([path]) => path !== '');
    expect(others.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
    expect(
      others
        .filter(([, { integrity, inBundle }]) => integrity === undefined && inBundle !== true)
        .map(([path]) => path),
    ).toEqual([]);
  },
);
