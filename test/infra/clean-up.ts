/** Runs with each file of tests. A hook in a module that several files share would belong to the first of them alone. */
import { afterAll } from 'vitest';
import { removeTemporaryDirectories } from './temporary-directory.ts';

afterAll(removeTemporaryDirectories);
