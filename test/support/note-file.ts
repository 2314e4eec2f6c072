/** Set up before each file of scenarios: notes that the file was run, for the test that judges all of them. */
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, inject } from 'vitest';

const { testPath } = expect.getState();
if (testPath !== undefined) writeFileSync(join(inject('keptDecisions'), basename(testPath)), '');
