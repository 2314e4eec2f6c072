/**
 * Value of an environment variable that the stack must have set.
 *
 * @throws Error naming the variable when it is missing
 */
export function environmentVariable(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`the environment variable ${name} is not set`);
  return value;
}
