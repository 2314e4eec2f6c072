/** What all scenarios of a run together say of the policies; judged only when all of them were run. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { keptDecisions } from '../support/kept-decisions.ts';
import { readDecisions } from '../support/needed-permissions.ts';

const scenarios = readdirSync(join(import.meta.dirname, '../scenarios')).filter((name) => name.endsWith('.test.ts'));
const notRun = scenarios.filter((name) => !existsSync(join(inject('keptDecisions'), name)));

describe.skipIf(notRun.length > 0)('the policies, when all scenarios were run', () => {
  it('refused no call of a role or a service', () => {
    const refused = keptDecisions().flatMap((directory) =>
      (readDecisions(directory)?.decisions ?? []).filter(({ denial }) => denial !== undefined),
    );
    expect(refused).toEqual([]);
  });
});
