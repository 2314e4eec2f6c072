/**
 * Tests in kinds: `unit` needs nothing; `documents` runs the hosts' scripts and `scenarios` the whole product, both
 * against real PostgreSQL; `timed` are the scenarios that say how long something may take, one after the other and
 * with nothing else beside them; `permissions` judges what all scenarios together have needed.
 */
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Each file starts several servers and waits most of its time, for checks above all: more files at once than processors. */
const filesAtOnce = Math.min(availableParallelism() + 2, 5);

/** Files that take a minute or more, the longest first: one that starts last keeps all others waiting for its end. */
const longest = [
  'instances-that-must-not-stop',
  'aws-pace',
  'checker',
  'allow-async',
  'setup-variants',
  'setup-interrupted',
  'machines-alone',
  'machines-repairs',
  'automation',
  'deployed-again',
  'setup-refusals',
  'rejoin',
  'failover',
  'secrets-stay-secret',
].map((name) => `/test/scenarios/${name}.test.ts`);

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const index = longest.findIndex((path) => moduleId.endsWith(path));
      return index < 0 ? longest.length : index;
    };
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
  }
}

/**
 * When a test hangs, in milliseconds; `test/repository/busy-machines.test.ts` sees to it that no test has a limit of its
 * own. How long something takes depends on what else the machine does, and a wait within a test names what did not come.
 */
const testTimeout = 900_000;
const withPostgres = { pool: 'forks', testTimeout, hookTimeout: testTimeout } as const;
const withRuntimes = {
  ...withPostgres,
  globalSetup: ['test/support/runtime-places-setup.ts'],
  setupFiles: ['test/support/note-file.ts'],
};

export default defineConfig({
  test: {
    // One line per test as it ends: a log that stops tells where.
    reporters: ['verbose'],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/documents/**', 'test/scenarios/**', 'test/permissions/**'],
          testTimeout,
          hookTimeout: testTimeout,
          setupFiles: ['test/infra/clean-up.ts'],
          // None of them changes what modules or the process hold: to import everything for each file takes longer.
          isolate: false,
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 0 },
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
