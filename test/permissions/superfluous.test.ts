/**
 * Mutation test of the policies: each action and each resource of each statement is taken away in turn, and a call that
 * the scenarios made must be refused without it. What nobody would miss is superfluous and goes, or is listed here.
 * The calls are those of the scenario tests of the same run, so this judges only when all of them were run.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { keptDecisions } from '../support/kept-decisions.ts';
import { NeededPermissions, readDecisions } from '../support/needed-permissions.ts';

/** Permissions that no scenario can need, each with its reason. */
const unseen: Readonly<Record<string, string>> = {};

const scenarios = readdirSync(join(import.meta.dirname, '../scenarios')).filter((name) => name.endsWith('.test.ts'));
const notRun = scenarios.filter((name) => !existsSync(join(inject('keptDecisions'), name)));

describe.skipIf(notRun.length > 0)('the policies, when all scenarios were run', () => {
  it('hold no permission that no scenario needs', async () => {
    const needed = new NeededPermissions();
    for (const directory of keptDecisions()) {
      const kept = readDecisions(directory);
      if (kept !== undefined) await needed.add(kept);
    }
    expect(needed.superfluous).toEqual(Object.keys(unseen).sort());
  });

  it('refused no call of a role or a service', () => {
    const refused = keptDecisions().flatMap((directory) =>
      (readDecisions(directory)?.decisions ?? []).filter(({ denial }) => denial !== undefined),
    );
    expect(refused).toEqual([]);
  });
});
