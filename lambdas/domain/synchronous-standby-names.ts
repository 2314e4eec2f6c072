/**
 * The value of `synchronous_standby_names`: parsed into a type and rendered from it, never matched as a string.
 *
 * Grammar: `*`, a bare list (meaning `FIRST 1`), `n (list)` (meaning `FIRST n`), `FIRST n (list)`, `ANY n (list)`;
 * names are identifiers or double-quoted.
 *
 * @see https://www.postgresql.org/docs/current/runtime-config-replication.html#GUC-SYNCHRONOUS-STANDBY-NAMES
 */
export interface SynchronousRule {
  readonly method: 'FIRST' | 'ANY';
  /** Standbys that must confirm a commit. */
  readonly count: number;
  /** In order of priority (which counts for FIRST only). `*` stands for any standby. */
  readonly names: readonly string[];
}

/** Renders a rule; every name is quoted, so hyphens, dots, upper case and the words FIRST and ANY are safe. */
export function renderSynchronousStandbyNames(rule: SynchronousRule): string {
  const names = rule.names.map((name) => (name === '*' ? '*' : `"${name.replaceAll('"', '""')}"`));
  return `${rule.method} ${rule.count} (${names.join(',')})`;
}

type Token = { kind: 'word' | 'quoted' | 'number'; text: string } | { kind: '(' | ')' | ',' | '*' };

/** Splits a value into tokens as PostgreSQL's `syncrep_scanner.l` does. */
function tokens(value: string): Token[] {
  const pattern = /\s+|"((?:[^"]|"")*)"|([A-Za-z_\u0080-\uffff][A-Za-z_0-9$\u0080-\uffff]*)|([0-9]+)|([(),*])|(.)/gsu;
  const result: Token[] = [];
  for (const [, quoted, word, number, symbol, other] of value.matchAll(pattern)) {
    if (quoted !== undefined) result.push({ kind: 'quoted', text: quoted.replaceAll('""', '"') });
    else if (word !== undefined) result.push({ kind: 'word', text: word });
    else if (number !== undefined) result.push({ kind: 'number', text: number });
    else if (symbol !== undefined) result.push({ kind: symbol as '(' | ')' | ',' | '*' });
    else if (other !== undefined) throw new SyntaxError(`unexpected ${other} in synchronous_standby_names: ${value}`);
  }
  return result;
}

/** A list of names; a name is a word, a quoted text, a number or `*`. */
function parseNames(list: readonly Token[], value: string): string[] {
  const names: string[] = [];
  list.forEach((token, index) => {
    const isSeparator = token.kind === ',';
    if (isSeparator !== (index % 2 === 1) || token.kind === '(' || token.kind === ')') {
      throw new SyntaxError(`synchronous_standby_names holds no list of names: ${value}`);
    }
    if (token.kind === '*') names.push('*');
    else if ('text' in token) names.push(token.text);
  });
  if (list.length % 2 === 0) throw new SyntaxError(`synchronous_standby_names holds no list of names: ${value}`);
  return names;
}

/**
 * Parses a value of `synchronous_standby_names`.
 *
 * @returns the rule, or null when the value is empty: no synchronous replication
 * @throws SyntaxError when PostgreSQL would not accept the value either
 */
export function parseSynchronousStandbyNames(value: string): SynchronousRule | null {
  const all = tokens(value);
  const [first, second, third] = all;
  if (first === undefined) return null;
  if (first.kind === 'number' && second?.kind === '(') return counted('FIRST', first.text, all.slice(1), value);
  if (first.kind === 'word' && second?.kind === 'number' && third?.kind === '(') {
    const method = first.text.toUpperCase();
    if (method === 'FIRST' || method === 'ANY') return counted(method, second.text, all.slice(2), value);
  }
  return { method: 'FIRST', count: 1, names: parseNames(all, value) };
}

/** The rule that a value means; null for none, and for a text that PostgreSQL would not have accepted. */
export function readSynchronousStandbyNames(value: string): SynchronousRule | null {
  try {
    return parseSynchronousStandbyNames(value);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** The `n (list)` part of a rule; `list` starts at its opening parenthesis. */
function counted(method: 'FIRST' | 'ANY', count: string, list: readonly Token[], value: string): SynchronousRule {
  if (list.at(-1)?.kind !== ')') throw new SyntaxError(`synchronous_standby_names lacks a closing ): ${value}`);
  const number = Number(count);
  if (number < 1) throw new SyntaxError(`synchronous_standby_names asks for ${count} standbys: ${value}`);
  return { method, count: number, names: parseNames(list.slice(1, -1), value) };
}
