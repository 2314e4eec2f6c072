/**
 * Keeps compiled code between runs: imported before the CDK, which is most of what a synthesis compiles.
 *
 * @see https://nodejs.org/api/module.html#module-compile-cache
 */
import { enableCompileCache } from 'node:module';

enableCompileCache();
