/**
 * Tests in kinds: `unit` needs nothing; `documents` runs the hosts' scripts and `scenarios` the whole product, both
 * against real PostgreSQL; `timed` are the scenarios that say how long something may take, one after the other and
 * with nothing else beside them; `permissions` judges what all scenarios together have needed.
 */
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * A scenario starts several servers and waits most of its time, for checks above all: more files at once than
 * processors. Those of the kinds that wait and of those that compute run beside each other.
 */
const filesAtOnce = Math.min(availableParallelism() + 3, 6);

/** Scenarios that wait for minutes and compute next to nothing meanwhile: they begin, and leave the processors to the unit tests. */
const waiting = ['instances-that-must-not-stop', 'aws-pace', 'checker', 'allow-async'];

/** Others that take a minute or more, the longest first: one that starts last keeps all others waiting for its end. */
const longest = [
  'setup-variants',
  'setup-interrupted',
  'machines-alone',
  'machines-repairs',
  'automation',
  'deployed-again',
  'nodes-added',
  'setup-refusals',
  'rejoin',
  'failover',
  'secrets-stay-secret',
];

/** Turns of the files, the first one first; those of one turn in vitest's own order. */
const turns: readonly ((file: TestSpecification) => boolean)[] = [
  ...waiting.map(isScenario),
  ({ project }) => project.name === 'unit',
  ...longest.map(isScenario),
  ({ project }) => project.name === 'scenarios',
];

function isScenario(name: string): (file: TestSpecification) => boolean {
  return ({ moduleId }) => moduleId.endsWith(`/test/scenarios/${name}.test.ts`);
}

class InTurn extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const turn = (file: TestSpecification) => {
      const index = turns.findIndex((isIts) => isIts(file));
      return index < 0 ? turns.length : index;
    };
    return (await super.sort(files)).toSorted((a, b) => turn(a) - turn(b));
  }
}

/**
 * When a test hangs, in milliseconds; `test/repository/busy-machines.test.ts` sees to it that no test has a limit of its
 * own. How long something takes depends on what else the machine does, and a wait within a test names what did not come.
 */
const testTimeout = 900_000;
/** Tests read what programs say: without colours, which some take for wanted wherever `CI` is set. */
const env = { NO_COLOR: '1' };
const withPostgres = { pool: 'forks', env, testTimeout, hookTimeout: testTimeout } as const;
const withRuntimes = {
  ...withPostgres,
  globalSetup: ['test/support/runtime-places-setup.ts'],
  setupFiles: ['test/support/note-file.ts'],
};

export default defineConfig({
  test: {
    // One line per test as it ends: a log that stops tells where.
    reporters: ['verbose'],
    sequence: { sequencer: InTurn },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/documents/**', 'test/scenarios/**', 'test/permissions/**'],
          env,
          testTimeout,
          hookTimeout: testTimeout,
          setupFiles: ['test/infra/clean-up.ts'],
          // None of them changes what modules or the process hold: to import everything for each file takes longer.
          isolate: false,
          maxWorkers: filesAtOnce,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...withPostgres,
          name: 'documents',
          include: ['test/documents/**/*.test.ts'],
          maxWorkers: filesAtOnce,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...withRuntimes,
          name: 'scenarios',
          include: ['test/scenarios/**/*.test.ts'],
          exclude: ['**/*.timed.test.ts'],
          maxWorkers: filesAtOnce,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...withRuntimes,
          name: 'timed',
          include: ['test/scenarios/**/*.timed.test.ts'],
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          ...withRuntimes,
          name: 'permissions',
          include: ['test/permissions/**/*.test.ts'],
          setupFiles: [],
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
