/**
 * Mutation test of the policies: each action and each resource of each statement is taken away in turn, and a call that
 * the scenarios made must be refused without it. What nobody would miss is superfluous and goes, or is listed here.
 * The calls are those of the scenario tests of the same run, so this judges only when all of them were run. To judge files
 * that are run one by one, give all these runs, and the one of this file, the same directory in KEPT_DECISIONS.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { keptDecisions } from '../support/kept-decisions.ts';
import { NeededPermissions, readDecisions } from '../support/needed-permissions.ts';

/** Resources of which scenarios need some only, for a reason that holds for all of them; their actions are not excused. */
const families: readonly { readonly of: RegExp; readonly reason: string }[] = [
  {
    of: /^Functions(?:acquirelock|checkcluster)role\w+\/permissions: states:DescribeExecution on /,
    reason: 'Any runbook that works on hosts may hold the lock when another one, or the checker, wants to know.',
  },
  {
    of: /^Functionsannouncerunbookrole\w+\/permissions: states:GetExecutionHistory on /,
    reason: 'Any runbook may end without having said so.',
  },
  {
    of: /^Functions(?:sweepnodecommands|completenodecommand)role\w+\/permissions: states:SendTaskFailure, states:SendTaskSuccess on /,
    reason: 'Any command of any runbook may end without an event, or fail.',
  },
  {
    of: /^Functionsobserveclusterrole\w+\/permissions: ec2:CreateNetworkInterface on ec2:subnet\//,
    reason: 'The subnet may be shared by another account; here all are the same account’s.',
  },
];

/** Files that some machines skip, and that need no permission of their own. */
const optional = /^(?:setup-notes-cluster|machines.*)\.test\.ts$/;

const notRun = readdirSync(join(import.meta.dirname, '../scenarios')).filter(
  (name) => name.endsWith('.test.ts') && !optional.test(name) && !existsSync(join(inject('keptDecisions'), name)),
);

describe.skipIf(notRun.length > 0)('the policies, when all scenarios were run', () => {
  it('hold no permission that no scenario needs', async () => {
    const needed = new NeededPermissions();
    for (const directory of keptDecisions()) {
      const kept = readDecisions(directory);
      if (kept !== undefined) await needed.add(kept);
    }
    expect(needed.superfluous.filter((name) => !families.some(({ of }) => of.test(name)))).toEqual([]);
  });

  it('refused no call of a role or a service', () => {
    const refused = keptDecisions().flatMap((directory) =>
      (readDecisions(directory)?.decisions ?? []).filter(({ denial }) => denial !== undefined),
    );
    expect(refused).toEqual([]);
  });
});
