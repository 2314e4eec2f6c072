/** EventBridge event patterns: exact values, prefix, anything-but, exists and nesting; other operators are refused. */

/** A pattern: nested objects whose leaves are lists of values and operators. */
export type Pattern = { readonly [key: string]: Pattern | readonly Matcher[] };

type Scalar = string | number | boolean | null;
type Matcher =
  | Scalar
  | { readonly prefix: string }
  | { readonly exists: boolean }
  | { readonly 'anything-but': Scalar | readonly Scalar[] | { readonly prefix: string } };

const isScalar = (value: unknown): value is Scalar => value === null || typeof value !== 'object';

function checkMatcher(matcher: unknown, path: string): void {
  if (isScalar(matcher)) return;
  const [operator, ...more] = Object.keys(matcher as object);
  const value = (matcher as Record<string, unknown>)[operator ?? ''];
  const prefix = (of: unknown) =>
    typeof of === 'object' &&
    of !== null &&
    Object.keys(of).join() === 'prefix' &&
    typeof (of as { prefix: unknown }).prefix === 'string';
  const valid =
    more.length === 0 &&
    ((operator === 'prefix' && typeof value === 'string') ||
      (operator === 'exists' && typeof value === 'boolean') ||
      (operator === 'anything-but' &&
        (isScalar(value) || (Array.isArray(value) && value.every(isScalar)) || prefix(value))));
  if (!valid)
    throw new Error(`Event pattern: ${path}: ${JSON.stringify(matcher)} is not supported by the local runtime`);
}

/** Checks a pattern when it is loaded. */
export function checkPattern(pattern: unknown, path = ''): Pattern {
  if (typeof pattern !== 'object' || pattern === null || Array.isArray(pattern)) {
    throw new Error(`Event pattern: ${path === '' ? 'it' : path} must be an object`);
  }
  for (const [key, value] of Object.entries(pattern)) {
    const at = path === '' ? key : `${path}.${key}`;
    if (key.startsWith('$')) throw new Error(`Event pattern: ${at} is not supported by the local runtime`);
    if (Array.isArray(value)) for (const matcher of value) checkMatcher(matcher, at);
    else checkPattern(value, at);
  }
  return pattern as Pattern;
}

function matchesOne(matcher: Matcher, value: unknown): boolean {
  if (isScalar(matcher)) return matcher === value;
  if ('prefix' in matcher) return typeof value === 'string' && value.startsWith(matcher.prefix);
  if ('exists' in matcher) return matcher.exists === (value !== undefined);
  if (value === undefined) return false;
  const not = matcher['anything-but'];
  if (isScalar(not)) return value !== not;
  if (Array.isArray(not)) return !not.some((excluded) => excluded === value);
  return !(typeof value === 'string' && value.startsWith((not as { prefix: string }).prefix));
}

/** Whether an event matches: every field of the pattern has a matcher that takes the event's value, or one of them. */
export function matches(pattern: Pattern, event: unknown): boolean {
  return Object.entries(pattern).every(([key, expected]) => {
    const value = typeof event === 'object' && event !== null ? (event as Record<string, unknown>)[key] : undefined;
    if (!Array.isArray(expected)) return matches(expected as Pattern, value);
    const values = Array.isArray(value) ? value : [value];
    return (expected as Matcher[]).some((matcher) => values.some((item) => matchesOne(matcher, item)));
  });
}
