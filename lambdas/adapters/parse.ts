import type * as z from 'zod';
import { OperatorError } from '../contract/errors.ts';

/**
 * Checks an input against its schema.
 *
 * @throws OperatorError InvalidInput naming every wrong field by its path
 */
export function parseInput<T extends z.ZodType>(schema: T, input: unknown, what: string): z.output<T> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'input'}: ${issue.message}`);
  throw new OperatorError('InvalidInput', `${what}: ${problems.join('; ')}`, 'Correct the input and start again.');
}
