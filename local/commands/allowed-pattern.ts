/** A parameter's allowedPattern as the SSM agent has it: Go's regexp, which is RE2. */
import { RE2JS, RE2JSSyntaxException } from 're2js';

/** Whether a value matches, anywhere in it as in Go's MatchString; or why the pattern is none. */
export type PatternVerdict = 'matches' | 'differs' | { readonly invalid: string };

/** Compiles a pattern and applies it to a value. */
export function judge(allowedPattern: string, value: string): PatternVerdict {
  try {
    return RE2JS.compile(allowedPattern).test(value) ? 'matches' : 'differs';
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) return { invalid: error.message };
    throw error;
  }
}
