/**
 * Who may import whom: the table of docs/architecture.md, enforced. `npm run imports` checks it.
 *
 * TypeScript 7 has no compiler API in JavaScript, so version 6 parses the sources here; it is installed beside 7.
 */

/** Folders of our own code, for "nothing of ours but …". */
const ours = '^(?:infra|lambdas|local|test|bench)/';

/** Programs that something outside starts by name: nothing imports them. */
const entryPoints = [
  '^infra/app\\.ts$',
  '^lambdas/handlers/[^/]+\\.ts$',
  '^lambdas/contract/write-json-schema\\.ts$',
  '^local/main\\.ts$',
  '^local/rehearsal/main\\.ts$',
  '^local/prerequisites/run\\.mjs$',
  '^local/functions/instance-thread\\.mjs$', // a worker thread
  '^local/hosts/aws-on-host\\.mjs$', // the aws command on a host's search path
  '^local/client/connect-in-network\\.mjs$', // started inside a network
  '^local/hosts/machines/listen-in-room\\.mjs$', // started inside a network
  '^local/page/browser/page\\.ts$', // runs in a browser
  '^docs/write-reference\\.ts$',
  '^bench/',
];

/** A rule: code in `folder` imports, of ours, only what is in `allowed`. */
const only = (folder, allowed, comment) => ({
  name: `${folder.replaceAll('/', '-')}-imports`,
  comment,
  severity: 'error',
  from: { path: `^${folder}/` },
  to: { path: ours, pathNot: allowed.map((path) => `^${path}/`) },
});

module.exports = {
  forbidden: [
    only('infra', ['infra', 'lambdas/contract'], 'Constructs know the functions by their contract, not by their code.'),
    only('lambdas/contract', ['lambdas/contract'], 'The contract is what everything else stands on.'),
    only('lambdas/domain', ['lambdas/domain', 'lambdas/contract'], 'Decisions are pure: they know no adapter.'),
    only('lambdas/adapters', ['lambdas/adapters', 'lambdas/domain', 'lambdas/contract'], 'Adapters know no handler.'),
    only(
      'lambdas/widget',
      ['lambdas/widget', 'lambdas/domain', 'lambdas/contract'],
      'What is drawn comes in as a view.',
    ),
    only('lambdas/handlers', ['lambdas'], 'Handlers put the parts of lambdas/ together.'),
    only('local', ['local', 'lambdas/contract'], 'The local runtime reads cdk.out, never the source of what it runs.'),
    only('bench', ['bench', 'infra', 'lambdas', 'local'], 'Benchmarks measure the product, not the tests.'),
    {
      name: 'domain-is-pure',
      comment: 'Decisions take facts and give answers; files, processes and networks belong into adapters.',
      severity: 'error',
      from: { path: '^lambdas/domain/' },
      to: { dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-optional'], pathNot: ['(?:^|/)zod(?:/|$)', '^crypto$'] },
    },
    {
      name: 'handlers-do-not-import-handlers',
      comment: 'Each handler is one bundle; what two share belongs into adapters or domain.',
      severity: 'error',
      from: { path: '^lambdas/handlers/([^/]+)\\.ts$' },
      to: { path: '^lambdas/handlers/[^/]+\\.ts$', pathNot: '^lambdas/handlers/$1\\.ts$' },
    },
    {
      name: 'no-cycles',
      comment: 'Modules that need each other are one module, or have a third one in common.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: 'A module that imports nothing and is imported by nothing is left over.',
      severity: 'error',
      from: { orphan: true, pathNot: ['\\.test\\.ts$', '\\.d\\.m?ts$', ...entryPoints] },
      to: {},
    },
    {
      name: 'no-dead-code',
      comment: 'No program reaches this module; that a test does is not enough.',
      severity: 'error',
      from: { path: entryPoints },
      to: { path: '^(?:infra|lambdas|local)/', pathNot: ['\\.d\\.m?ts$', ...entryPoints], reachable: false },
    },
    {
      name: 'no-dev-dependencies-in-what-is-deployed',
      comment: 'infra/ and lambdas/ run without the tools of development: move the package to "dependencies".',
      severity: 'error',
      from: { path: '^(?:infra|lambdas)/', pathNot: ['\\.test\\.ts$'] },
      // Types leave nothing behind when they are stripped.
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: ['node_modules/@types/'] },
    },
    {
      name: 'no-undeclared-packages',
      comment: 'package.json does not list the package, or lists it for something else.',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'no-unresolvable',
      comment: 'There is no such module.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    parser: 'tsc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: ['node_modules'] },
    exclude: { path: ['^cdk\\.out', '^\\.local'] },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
