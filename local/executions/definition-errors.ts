/**
 * What Step Functions would refuse of definitions, by asl-validator.
 *
 * It compiles its schemas anew for each definition, which takes longer than all the rest of a runtime's start. So all are
 * validated as the branches of one definition, for which its schema is the same as for a whole one; only what is not
 * valid together is validated one by one, for its own errors.
 */
import aslValidator from 'asl-validator';

type Json = Record<string, unknown>;

/** Members that name a state. */
const references: readonly string[] = ['StartAt', 'Next', 'Default'];

/** A definition whose states have this in front of their names: asl-validator looks for names in all branches at once. */
function renamed(value: unknown, prefix: string): unknown {
  if (Array.isArray(value)) return value.map((each) => renamed(each, prefix));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (references.includes(key) && typeof inner === 'string') return [key, prefix + inner];
      const changed = renamed(inner, prefix);
      return [key, key === 'States' ? withPrefix(changed, prefix) : changed];
    }),
  );
}

function withPrefix(states: unknown, prefix: string): unknown {
  if (typeof states !== 'object' || states === null || Array.isArray(states)) return states;
  return Object.fromEntries(Object.entries(states).map(([name, state]) => [prefix + name, state]));
}

/**
 * Whether all definitions are valid. It may be false although each one is: their names grow by what tells them apart.
 *
 * @param texts definitions as JSON
 */
export function validTogether(texts: readonly string[]): boolean {
  const definitions = texts.map((text) => JSON.parse(text) as Json);
  // The language of a branch's states would be that of the whole.
  if (definitions.some((definition) => 'QueryLanguage' in definition)) return false;
  const branches = definitions.map((definition, index) => renamed(definition, `${index}/`));
  return aslValidator({ StartAt: 'All', States: { All: { Type: 'Parallel', Branches: branches, End: true } } }).isValid;
}

/**
 * Errors of each definition, in the order of the definitions; empty for one that Step Functions would take.
 *
 * @param texts definitions as JSON
 */
export function definitionErrors(texts: readonly string[]): string[][] {
  if (validTogether(texts)) return texts.map(() => []);
  // Parsed again: the validator writes into what it is given.
  return texts.map((text) =>
    aslValidator(JSON.parse(text) as Json).errors.map((error) => `${error['Error code']}: ${error.Message}`),
  );
}
