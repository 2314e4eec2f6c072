/** Set up before each file of scenarios: notes that tests of the file were run, for the test that judges all of them. */
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, expect, inject } from 'vitest';

const { testPath } = expect.getState();

// Not called in a file whose tests are all skipped.
beforeAll(() => {
  if (testPath !== undefined) writeFileSync(join(inject('keptDecisions'), basename(testPath)), '');
});
