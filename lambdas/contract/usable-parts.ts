/**
 * What is right of a file that has problems: the values that broke no rule, with the defaults of what was left out.
 * So the rules between values can run although others are broken.
 */

/** The part of JSON Schema that {@link withDefaults} and the search for known keys understand. */
export interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly oneOf?: readonly JsonSchema[];
  readonly default?: unknown;
}

type Path = readonly PropertyKey[];

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * `value` without the values for which `isBroken` answers true. Elements of arrays keep their places (a broken one
 * becomes undefined), because the paths of problems count them.
 */
export function withoutBroken(
  value: unknown,
  isBroken: (path: Path, value: unknown) => boolean,
  path: Path = [],
): unknown {
  if (isBroken(path, value)) return undefined;
  if (Array.isArray(value)) return value.map((element, index) => withoutBroken(element, isBroken, [...path, index]));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, member]) => [key, withoutBroken(member, isBroken, [...path, key])] as const)
      .filter(([, member]) => member !== undefined),
  );
}

/**
 * `value` with the schema's default for each key that `original`, the file as written, does not have.
 * A key whose value was broken gets no default: what the DBA meant there is unknown.
 */
export function withDefaults(value: unknown, original: unknown, schema: JsonSchema | undefined): unknown {
  if (Array.isArray(value)) {
    const originals: unknown[] = Array.isArray(original) ? original : [];
    return value.map((element, index) => withDefaults(element, originals[index], schema?.items));
  }
  if (!isObject(value)) return value;
  const known = Object.entries(schema?.properties ?? {});
  const written = isObject(original) ? original : {};
  const missing = known
    .filter(([key, { default: fallback }]) => !Object.hasOwn(written, key) && fallback !== undefined)
    .map(([key, { default: fallback }]) => [key, fallback] as const);
  return Object.fromEntries(
    [...Object.entries(value), ...missing].map(([key, member]) => [
      key,
      withDefaults(member, written[key], schema?.properties?.[key]),
    ]),
  );
}
