/**
 * Tests in three kinds: `unit` needs nothing; `documents` runs the hosts' scripts and `scenarios` the whole product,
 * both against real PostgreSQL. Those two run one file at a time: each starts several servers.
 */
import { defineConfig } from 'vitest/config';

const withPostgres = { pool: 'forks', fileParallelism: false, hookTimeout: 300_000 } as const;

export default defineConfig({
  test: {
    // One line per test as it ends: a log that stops tells where.
    reporters: ['verbose'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/documents/**', 'test/scenarios/**'],
          testTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...withPostgres,
          name: 'documents',
          include: ['test/documents/**/*.test.ts'],
          testTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...withPostgres,
          name: 'scenarios',
          include: ['test/scenarios/**/*.test.ts'],
          testTimeout: 300_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
