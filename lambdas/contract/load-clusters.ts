/**
 * Reads `clusters.json` and, if anything is wrong with it, says everything that is, in words for a DBA:
 * one line per problem, with the path, the value and the rule, in the order of the file.
 */
import { readFileSync } from 'node:fs';
import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  type ParseErrorCode,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import type * as z from 'zod';
import { type Cluster, clustersJsonSchema, clustersShape } from './cluster-config.ts';
import { checkClusters, type Loose, renderPath } from './cluster-rules.ts';
import { OperatorError } from './errors.ts';
import { nearestWord } from './nearest-word.ts';
import { type JsonSchema, withDefaults, withoutBroken } from './usable-parts.ts';

type Path = readonly (string | number)[];

/** One thing that is wrong; `rule` follows the value in a sentence: `"abc" must be a number`. */
interface Problem {
  readonly path: Path;
  readonly rule: string;
  /** Whether the problem is about a key that should not be there; its value does not matter then. */
  readonly aboutKey?: boolean;
  /** Where in the file it is, when the path does not lead there: the second of two equal keys. */
  readonly offset?: number;
  /** The value, when it is a default that is not written in the file. */
  readonly fallback?: unknown;
}

/** Reads and checks a file. Throws an OperatorError named InvalidClusters that lists all problems. */
export function loadClusters(file: string): Cluster[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const reasons: Record<string, string> = {
      ENOENT: 'there is no such file',
      EISDIR: 'it is a directory',
      EACCES: 'no permission to read it',
    };
    throw new OperatorError(
      'InvalidClusters',
      `cannot read ${file}: ${reasons[`${code}`] ?? String(error)}`,
      'Give the path of a clusters file; clusters.json in the repository is an example.',
      { cause: error },
    );
  }
  return parseClusters(text, file);
}

/** Checks the text of a file; `fileName` is how the error calls it. */
export function parseClusters(text: string, fileName: string): Cluster[] {
  // Editors on Windows put a byte order mark in front, which JSON does not allow and nobody sees.
  const source = text.replace(/^\uFEFF/, '');
  const tree = parseJson(source, fileName);
  const data: unknown = getNodeValue(tree);
  const problems = [...duplicateKeys(tree, []), ...shapeProblems(data)];
  problems.push(...ruleProblems(data, problems));
  if (problems.length === 0) return clustersShape.parse(data);

  const lines = problems
    .map((problem) => ({ problem, offset: offsetOf(tree, problem) }))
    .sort((a, b) => a.offset - b.offset)
    .map(({ problem, offset }) => `${sentence(tree, problem)} (line ${position(source, offset).line})`);
  const count = lines.length === 1 ? '1 problem' : `${lines.length} problems`;
  throw new OperatorError(
    'InvalidClusters',
    `${fileName} has ${count}:\n${lines.join('\n')}`,
    `Correct ${lines.length === 1 ? 'it' : 'them'} and run the command again; nothing has been changed.`,
  );
}

// ---- JSON -----------------------------------------------------------------------------------------------------------

/** What to say about a slip in JSON; others are named by the parser's own words. */
const jsonSlips: Partial<Record<ReturnType<typeof printParseErrorCode>, string>> = {
  InvalidCommentToken: 'JSON has no comments',
  PropertyNameExpected: 'a key in double quotes is expected here (or a comma before it is too many)',
  ValueExpected: 'a value is expected here (or a comma before it is too many)',
  ColonExpected: 'a colon is expected here',
  CommaExpected: 'a comma is expected here',
  CloseBraceExpected: 'a } is missing here',
  CloseBracketExpected: 'a ] is missing here',
  EndOfFileExpected: 'the file should end here',
  InvalidSymbol: 'this is not JSON (text needs double quotes)',
  InvalidNumberFormat: 'this is not a number',
  UnexpectedEndOfString: 'a double quote is missing at the end of this text',
  InvalidCharacter: 'a line break or tab inside a text must be written as \\n or \\t',
};

function parseJson(source: string, fileName: string): Node {
  if (source.trim() === '') {
    throw new OperatorError(
      'InvalidClusters',
      `${fileName} is empty`,
      'Describe at least one cluster; clusters.json in the repository is an example.',
    );
  }
  const errors: ParseError[] = [];
  const tree = parseTree(source, errors, { allowTrailingComma: false, disallowComments: true });
  const [first] = errors; // those after it only follow from it
  if (first === undefined && tree !== undefined) return tree;
  const { line, column } = position(source, first?.offset ?? 0);
  const name = printParseErrorCode(first?.error ?? (0 as ParseErrorCode));
  const excerpt = source.split(/\r?\n/)[line - 1]?.trim() ?? '';
  throw new OperatorError(
    'InvalidClusters',
    `${fileName} is not valid JSON: line ${line}, column ${column}: ${jsonSlips[name] ?? name}\n  ${excerpt}`,
    'Correct it and run the command again; nothing has been changed.',
  );
}

/** JSON's readers take the last of two equal keys in silence; a DBA who changed the first would never know. */
function duplicateKeys(node: Node, path: Path): Problem[] {
  const children = node.children ?? [];
  if (node.type === 'array') return children.flatMap((child, index) => duplicateKeys(child, [...path, index]));
  const seen = new Set<string>();
  return children.flatMap(({ children: [key, value] = [] }) => {
    if (key === undefined || value === undefined) return [];
    const own = [...path, String(key.value)];
    const again = seen.has(String(key.value));
    seen.add(String(key.value));
    return [
      ...(again ? [{ path: own, rule: 'is given twice', aboutKey: true, offset: key.offset }] : []),
      ...duplicateKeys(value, own),
    ];
  });
}

// ---- Shape ----------------------------------------------------------------------------------------------------------

const schema = clustersJsonSchema() as JsonSchema;

function shapeProblems(data: unknown): Problem[] {
  if (!Array.isArray(data)) {
    const hint = typeof data === 'object' && data !== null ? '; put [ and ] around the cluster' : '';
    return [{ path: [], rule: `must be an array of clusters${hint}` }];
  }
  const { error } = clustersShape.safeParse(data, { error: standardRule, reportInput: true });
  return (error?.issues ?? []).flatMap((issue): Problem[] => {
    const path = issue.path as Path;
    if (issue.code !== 'unrecognized_keys') return [{ path, rule: issue.message }];
    return issue.keys.map((key) => ({ path: [...path, key], rule: unknownKey(key, path), aboutKey: true }));
  });
}

const names: Readonly<Record<string, string>> = {
  string: 'a text in double quotes',
  number: 'a number',
  int: 'an integer',
  boolean: 'true or false',
  array: 'an array, [ … ]',
  object: 'an object, { … }',
};

const listed = (values: readonly unknown[]): string => values.map((value) => JSON.stringify(value)).join(' or ');

/** The rule that a value breaks, where the schema does not word it itself. */
function standardRule(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type': {
      const name = names[issue.format === 'safeint' ? 'int' : `${issue.expected}`] ?? issue.expected;
      const quoted = typeof issue.input === 'string' && ['number', 'int', 'boolean'].includes(`${issue.expected}`);
      return `must be ${name}${quoted ? ', without quotes' : ''}`;
    }
    case 'invalid_value':
      return `must be ${listed(issue.values as unknown[])}`;
    case 'too_small':
      return `must be at least ${issue.minimum}`;
    case 'too_big':
      return `must be at most ${issue.maximum}`;
    case 'invalid_union':
      return `must be ${listed((issue.options as unknown[] | undefined) ?? [])}`;
    default:
      return undefined;
  }
}

/** Says that a key is unknown, and which was meant: a similar one here, or the same one elsewhere. */
function unknownKey(key: string, path: Path): string {
  const here = knownKeys(schemaAt(path));
  const meant = nearestWord(key, here);
  if (meant !== undefined) return `is not a known key; did you mean "${meant}"?`;
  const [elsewhere] = placesOf(key, schema, []);
  if (elsewhere !== undefined) return `is not a known key here; it belongs to ${elsewhere}`;
  return `is not a known key; known here: ${here.join(', ')}`;
}

function schemaAt(path: Path): JsonSchema | undefined {
  return path.reduce<JsonSchema | undefined>(
    (at, part) => (typeof part === 'number' ? at?.items : at?.properties?.[part]),
    schema,
  );
}

function knownKeys(at: JsonSchema | undefined): string[] {
  const shapes = [at, ...(at?.oneOf ?? [])];
  return [...new Set(shapes.flatMap((shape) => Object.keys(shape?.properties ?? {})))];
}

/** Paths, as a DBA would say them, of the objects that know `key`. */
function placesOf(key: string, at: JsonSchema, path: readonly string[]): string[] {
  const own = Object.hasOwn(at.properties ?? {}, key) ? [path.length === 0 ? 'the cluster' : path.join('.')] : [];
  const below = Object.entries(at.properties ?? {}).flatMap(([name, part]) => placesOf(key, part, [...path, name]));
  return [...own, ...below, ...(at.items === undefined ? [] : placesOf(key, at.items, path))];
}

// ---- Rules between values -------------------------------------------------------------------------------------------

/** The rules between values, run on what `problems` leaves intact. */
function ruleProblems(data: unknown, problems: readonly Problem[]): Problem[] {
  if (!Array.isArray(data)) return [];
  const broken = new Set(problems.filter(({ aboutKey }) => aboutKey !== true).map(({ path }) => renderPath(path)));
  // A container is broken only if it is the wrong kind of thing: a list that is too short still has good elements.
  const isBroken = (path: readonly PropertyKey[], value: unknown): boolean =>
    broken.has(renderPath(path as Path)) && !fitsKind(value, schemaAt(path as Path));
  const usable = withDefaults(withoutBroken(data, isBroken), data, schema);
  const found: Problem[] = [];
  checkClusters(usable as Loose<Cluster>[], (path, rule) =>
    found.push({ path, rule, fallback: valueAt(usable, path) }),
  );
  return found;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, part) => (at as Readonly<Record<string | number, unknown>> | undefined)?.[part],
    value,
  );
}

/** Whether a value is a container of the kind that the schema has in its place. */
function fitsKind(value: unknown, at: JsonSchema | undefined): boolean {
  if (Array.isArray(value)) return at?.items !== undefined;
  return typeof value === 'object' && value !== null && knownKeys(at).length > 0;
}

// ---- Words ----------------------------------------------------------------------------------------------------------

function sentence(tree: Node, { path, rule, aboutKey, fallback }: Problem): string {
  const where = renderPath(['clusters', ...path]);
  if (aboutKey === true) return `${where}: ${rule}`;
  const node = findNodeAtLocation(tree, [...path]);
  if (node === undefined && fallback === undefined) return `${where}: is missing; it ${rule}`;
  if (node === undefined) return `${where}: ${JSON.stringify(fallback)}, the default, ${rule}`;
  if (node.type === 'object') return `${where}: ${rule}`;
  if (node.type !== 'array') return `${where}: ${JSON.stringify(node.value)} ${rule}`;
  const expected = path.length === 0 || schemaAt(path)?.items !== undefined;
  return `${where}: ${rule}${expected ? ` (it has ${node.children?.length ?? 0})` : ''}`;
}

/** Where in the file a problem is: at its value, its key, or the object that lacks it. */
function offsetOf(tree: Node, { path, aboutKey, offset }: Problem): number {
  if (offset !== undefined) return offset;
  for (let length = path.length; length > 0; length--) {
    const node = findNodeAtLocation(tree, path.slice(0, length));
    if (node !== undefined) return aboutKey === true ? (node.parent?.offset ?? node.offset) : node.offset;
  }
  return tree.offset;
}

function position(source: string, offset: number): { line: number; column: number } {
  const before = source.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
