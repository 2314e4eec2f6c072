/**
 * Finds where a script for hosts counts with text that somebody else may have written, or names something by it. Bash
 * expands what it counts with once more: after `x='a[$(id)]'` each of `((x > 0))`, `[[ $x -gt 0 ]]`, `${list[x]}` and
 * `${text:x}` runs `id`, as whoever runs the script, which on a host is root.
 *
 * The rule can be decided: a variable counts as a number only if everything that is ever put into it is one, by the form
 * of the assignment: a literal, the result of counting, a length, or what `take` has accepted as a number. What comes by
 * `read`, `mapfile`, `$(…)`, a parameter of a function or from another variable that is no number is none, whatever it
 * holds. Functions see the variables of their callers in bash, so assignments count by name, over all scripts, but for
 * those to variables that other functions have as their own.
 */
import { type ArithmeticExpression, forEachChild, parse, type SyntaxNode, type Word } from 'unbash';

/** A script or a library: they are read together, as a command has them. */
export interface ScriptSource {
  readonly name: string;
  readonly text: string;
}

/** A finding, as people read it. */
export interface ForeignTextFinding {
  readonly script: string;
  readonly line: number;
  readonly text: string;
  readonly problem: string;
}

/** Set by bash, or by the layout at the head of each script, from the cluster's configuration. */
const numbersOfOurs = new Set(['SECONDS', 'EUID', 'BASH_VERSINFO', 'MAJOR_VERSION', 'LINENO']);

/** Arrays with texts as keys, which bash does not count with: those of the layout, to which the scripts' own come. */
const layoutMaps = [
  'NODE_ADDRESS',
  'NODE_CONNECTS_FROM',
  'NODE_PORT',
  'NODE_DATA_DIRECTORY',
  'NODE_SOCKET_DIRECTORY',
  'NODE_LISTEN_ADDRESSES',
  'NODE_SLOT',
];

/** Formats of `take` whose texts bash can count with, and those that it can after `16#`. */
const numberFormats = new Set(['number', 'timeline', 'size']);
const hexFormats = new Set(['hex', 'lsn', 'segment']);

/** Functions that put into the variable that they are told: they are the guard, or count with what has passed it. */
const setters = new Set(['take', 'take_row', 'take_bool', 'take_values', 'lsn_number', 'segment_start', 'timeline_of']);
/** Functions that get names of variables from the scripts, in which these stand as they are. */
const named = new Set([...setters, 'attempt', 'attempted', 'read_with_limit']);
/** `fits` counts with what has just matched digits. */
const guards = new Set(['fits']);

type Kind = 'number' | 'hex' | 'text';

interface Assigned {
  readonly script: string;
  /** `SCRIPT:NAME`; nothing outside of functions. */
  readonly inFunction: string;
  readonly kind: Kind | { readonly word: Word };
}

interface Place {
  readonly source: ScriptSource;
  readonly inFunction: string;
}

const compared = new Set(['-eq', '-ne', '-lt', '-le', '-gt', '-ge']);
const identifier = /^[A-Za-z_]\w*$/;
const number = /^(?:-?\d+|0x[0-9a-fA-F]+)?$/;

const isLibrary = (script: string): boolean => script === '' || script.startsWith('lib/');
const functionIn = ({ source }: Place, name: string): string => `${source.name}:${name}`;
const bareName = (inFunction: string): string => inFunction.replace(/^.*:/, '');

/** What a word is without its quotes, if nothing in it is expanded. */
function literal(word: Word | undefined): string | undefined {
  return word === undefined || hasExpansion(word) ? undefined : word.value;
}

function hasExpansion(node: SyntaxNode): boolean {
  if (/Expansion|Substitution/.test(node.type)) return true;
  let found = false;
  forEachChild(node, (child) => {
    found ||= hasExpansion(child);
  });
  return found;
}

/** Every finding in scripts that are used together. */
export function foreignTextIn(sources: readonly ScriptSource[]): ForeignTextFinding[] {
  return new Search(sources).findings;
}

/** Parsed once, however often a text is looked at. */
const parsed = new Map<string, ReturnType<typeof parse>>();

function parseOnce(text: string): ReturnType<typeof parse> {
  const script = parsed.get(text) ?? parse(text);
  parsed.set(text, script);
  return script;
}

class Search {
  readonly findings: ForeignTextFinding[] = [];
  readonly #assigned = new Map<string, Assigned[]>();
  /** Variables of a function's own, as `function name`. */
  readonly #own = new Set<string>();
  readonly #maps = new Set(layoutMaps);

  constructor(sources: readonly ScriptSource[]) {
    const scripts = sources.map((source) => ({ source, script: parseOnce(source.text) }));
    for (const { source, script } of scripts) this.#collect(script, { source, inFunction: '' });
    for (const { source, script } of scripts) this.#check(script, { source, inFunction: '' });
  }

  #report(node: SyntaxNode, { source }: Place, problem: string): void {
    const line = source.text.slice(0, node.pos).split('\n').length;
    const text = source.text.split('\n')[line - 1]?.trim() ?? '';
    if (
      !this.findings.some((found) => found.script === source.name && found.line === line && found.problem === problem)
    )
      this.findings.push({ script: source.name, line, text, problem });
  }

  #assign(name: string, kind: Assigned['kind'], place: Place): void {
    const list = this.#assigned.get(name) ?? [];
    list.push({ script: place.source.name, inFunction: place.inFunction, kind });
    this.#assigned.set(name, list);
  }

  // What is put into variables

  #collect(node: SyntaxNode, place: Place): void {
    if (node.type === 'Script' && node.errors?.length) {
      for (const { message, pos } of node.errors) this.#report({ ...node, pos }, place, `cannot be parsed: ${message}`);
    }
    if (node.type === 'Function') {
      forEachChild(node.body, (child) =>
        this.#collect(child, { ...place, inFunction: functionIn(place, node.name.value) }),
      );
      return;
    }
    if (node.type === 'Assignment') this.#collectAssignment(node, place);
    if (node.type === 'For') for (const word of node.wordlist ?? []) this.#assign(node.name.value, { word }, place);
    if (node.type === 'ArithmeticBinary' && /(?<![=!<>])=$/.test(node.operator) && node.left.type === 'ArithmeticWord')
      this.#assign(node.left.value, 'number', place);
    if (node.type === 'Command') this.#collectCommand(node, place);
    forEachChild(node, (child) => this.#collect(child, place));
  }

  #collectAssignment(node: SyntaxNode & { type: 'Assignment' }, place: Place): void {
    const words = node.value.type === 'ArrayValue' ? node.value.elements : [node.value];
    for (const word of words) this.#assign(node.name, { word }, place);
  }

  #collectCommand(node: SyntaxNode & { type: 'Command' }, place: Place): void {
    const name = literal(node.name) ?? '';
    const words = node.suffix.filter((part): part is Word => part.type === 'Word');
    const values = words.map((word) => literal(word));
    if (/^(?:local|declare|typeset|readonly|export)$/.test(name)) {
      const names = node.suffix.flatMap((part) =>
        part.type === 'Assignment'
          ? [part.name]
          : part.type === 'Word' && identifier.test(part.value)
            ? [part.value]
            : [],
      );
      if (/^(?:local|declare|typeset)$/.test(name) && place.inFunction !== '')
        for (const own of names) this.#own.add(`${place.inFunction} ${own}`);
      if (values.some((value) => /^-\w*A/.test(value ?? ''))) for (const map of names) this.#maps.add(map);
    }
    if (/^(?:read|read_with_limit|mapfile|readarray|getopts)$/.test(name)) {
      for (const value of values) if (value !== undefined && identifier.test(value)) this.#assign(value, 'text', place);
    }
    if (name === 'printf' && values[0] === '-v' && values[1] !== undefined) {
      const format = values[2] ?? '%s';
      const counts = format.replace(/%\(%s\)T|%0?\d*[dXxu]/g, '') === '';
      this.#assign(
        values[1],
        counts ? 'number' : words.length === 4 && format === '%s' && words[3] ? { word: words[3] } : 'text',
        place,
      );
    }
    for (const [format, variable] of takenBy(name, values)) this.#assign(variable, kindOf(format), place);
  }

  // Whether a variable holds a number

  #kindOfVariable(name: string, inFunction: string, open: ReadonlySet<string> = new Set()): Kind {
    if (numbersOfOurs.has(name)) return 'number';
    const key = `${inFunction} ${name}`;
    if (open.has(key)) return 'number';
    const isOwn = this.#own.has(key);
    const script = inFunction.split(':')[0] ?? '';
    const all = (this.#assigned.get(name) ?? []).filter(
      (assigned) =>
        // Another command is never in the same process.
        (assigned.script === script || isLibrary(assigned.script) || isLibrary(script)) &&
        (assigned.inFunction === inFunction ||
          !isOwn ||
          (assigned.inFunction !== '' && !this.#own.has(`${assigned.inFunction} ${name}`))),
    );
    // What only ever gets its own value is set by somebody who is not here.
    const others = all.filter(
      ({ kind }) =>
        typeof kind === 'string' || !/^"?\$\{?\w+\}?"?$/.test(kind.word.text) || !kind.word.text.includes(name),
    );
    if (others.length === 0) return isOwn ? 'number' : 'text';
    const kinds = all.map(({ kind, inFunction: where }) =>
      typeof kind === 'string' ? kind : this.#kindOfWord(kind.word, where, new Set([...open, key])),
    );
    if (kinds.every((kind) => kind === 'number')) return 'number';
    return kinds.every((kind) => kind === 'number' || kind === 'hex') ? 'hex' : 'text';
  }

  /** What a value is: digits, and parts that are numbers. */
  #kindOfWord(
    word: { parts?: readonly SyntaxNode[] | undefined; value: string },
    inFunction: string,
    open: ReadonlySet<string>,
  ): Kind {
    if (word.parts === undefined) return number.test(word.value) ? 'number' : 'text';
    const kinds = word.parts.map((part) => this.#kindOfPart(part, inFunction, open));
    if (kinds.every((kind) => kind === 'number')) return 'number';
    return kinds.every((kind) => kind !== 'text') ? 'hex' : 'text';
  }

  #kindOfPart(part: SyntaxNode, inFunction: string, open: ReadonlySet<string>): Kind {
    switch (part.type) {
      case 'Literal':
      case 'SingleQuoted':
        return number.test(part.value) ? 'number' : 'text';
      case 'DoubleQuoted':
        return this.#kindOfWord({ parts: part.parts, value: '' }, inFunction, open);
      case 'ArithmeticExpansion':
        return 'number';
      case 'SimpleExpansion': {
        const name = part.text.slice(1);
        if (/^[#?$!]$/.test(name)) return 'number';
        return identifier.test(name) ? this.#kindOfVariable(name, inFunction, open) : 'text';
      }
      case 'ParameterExpansion': {
        if (part.prefix === '#') return 'number';
        if (part.prefix === '!' && part.index?.text === '@' && !this.#maps.has(part.parameter)) return 'number';
        if (part.prefix === '!' || !identifier.test(part.parameter)) return 'text';
        const kind = this.#kindOfVariable(part.parameter, inFunction, open);
        const { operation } = part;
        if (operation?.type === 'Default') {
          const other = this.#kindOfWord(operation.operand, inFunction, open);
          return kind === 'text' || other === 'text' ? 'text' : kind === 'hex' ? 'hex' : other;
        }
        return operation === undefined || /^(?:Remove|Slice)$/.test(operation.type) ? kind : 'text';
      }
      case 'CommandExpansion':
      case 'ArithmeticCommandExpansion':
        return /^\$\(printf '%\(%s\)T' -1\)$/.test(part.text) ? 'number' : 'text';
      default:
        return 'text';
    }
  }

  // Where bash counts, or names by a text

  #check(node: SyntaxNode, place: Place): void {
    if (node.type === 'Function') {
      if (guards.has(node.name.value)) return;
      forEachChild(node.body, (child) =>
        this.#check(child, { ...place, inFunction: functionIn(place, node.name.value) }),
      );
      return;
    }
    if (node.type === 'ArithmeticWord') this.#checkOperand(node, place);
    if (node.type === 'ArithmeticCommandExpansion' && this.#kindOfPart(node, '', new Set()) !== 'number')
      this.#report(node, place, `${node.text} is counted with as it comes: put it through take first`);
    if (node.type === 'TestBinary' && compared.has(node.operator))
      for (const word of [node.left, node.right]) this.#checkCounted(word.text.replace(/^"|"$/g, ''), word, place);
    if (node.type === 'TestUnary' && node.operator === '-v' && !identifier.test(literal(node.operand) ?? ''))
      this.#report(node, place, '[[ -v … ]] evaluates the subscript of what it is given');
    if (node.type === 'ParameterExpansion') this.#checkExpansion(node, place);
    if (node.type === 'Assignment') this.#checkSubscript(node.name, node.index, place);
    if (node.type === 'Command') this.#checkCommand(node, place);
    forEachChild(node, (child) => this.#check(child, place));
  }

  #checkExpansion(node: SyntaxNode & { type: 'ParameterExpansion' }, place: Place): void {
    if (
      node.prefix === '!' &&
      !named.has(bareName(place.inFunction)) &&
      node.operation?.type !== 'Names' &&
      !/^[@*]$/.test(node.index?.text ?? '')
    )
      this.#report(node, place, `${node.text} is the variable that another one names`);
    if (node.operation?.type === 'Slice') {
      this.#checkCounted(node.operation.offset.text, node, place);
      if (node.operation.length !== undefined) this.#checkCounted(node.operation.length.text, node, place);
    }
    this.#checkSubscript(node.parameter, node.index, place);
  }

  #checkSubscript(array: string, index: Word | undefined, place: Place): void {
    if (index === undefined || this.#maps.has(array) || /^[@*]$/.test(index.text)) return;
    this.#checkCounted(index.text, index, place);
  }

  /** Text that bash counts with although it does not stand in double parentheses. */
  #checkCounted(text: string, at: SyntaxNode, place: Place): void {
    const [statement] = parseOnce(`((${text}))`).commands;
    const visit = (node: SyntaxNode): void => {
      if (node.type === 'ArithmeticWord') this.#checkOperand(node, place, at);
      if (node.type === 'ArithmeticCommandExpansion')
        this.#report(at, place, `${node.text} is counted with as it comes`);
      forEachChild(node, visit);
    };
    if (statement !== undefined) visit(statement);
  }

  #checkOperand(
    operand: ArithmeticExpression & { type: 'ArithmeticWord' },
    place: Place,
    at: SyntaxNode = operand,
  ): void {
    const { value, parts } = operand;
    const problem = () =>
      this.#report(
        at,
        place,
        `${value.replace(/^(?:16|10)#/, '')} is counted with, and may be text: put it through take where it enters`,
      );
    if (parts === undefined) {
      const [, name = '', subscript] = /^([A-Za-z_]\w*)(?:\[(.*)\])?$/s.exec(value) ?? [];
      const [, simple] = /^\$(\w+|[#?$!])$/.exec(value) ?? [];
      if (simple !== undefined) {
        const part = { type: 'SimpleExpansion' as const, text: value, pos: 0, end: 0 };
        if (this.#kindOfPart(part, place.inFunction, new Set()) !== 'number') problem();
        return;
      }
      if (name === '') {
        if (!/^(?:\d+|0x[0-9a-fA-F]+)$/.test(value)) problem();
        return;
      }
      if (subscript !== undefined) {
        if (this.#maps.has(name)) problem();
        this.#checkCounted(subscript, at, place);
      }
      if (this.#kindOfVariable(name, place.inFunction) !== 'number') problem();
      return;
    }
    const [first, ...rest] = parts;
    const based = first?.type === 'Literal' && /^(?:16|10)#$/.test(first.value);
    const kind = this.#kindOfWord({ parts: based ? rest : parts, value }, place.inFunction, new Set());
    if (kind === 'text' || (kind === 'hex' && !(based && first.value === '16#'))) problem();
  }

  #checkCommand(node: SyntaxNode & { type: 'Command' }, place: Place): void {
    const name = literal(node.name);
    const words = node.suffix.filter((part): part is Word => part.type === 'Word');
    if (name === undefined) return;
    if (name === 'let' || name === 'eval') this.#report(node, place, `${name} runs what is in its text`);
    if (/^(?:declare|local|typeset|readonly|export)$/.test(name)) {
      if (words.some((word) => /^-\w*i/.test(literal(word) ?? '')))
        this.#report(node, place, `${name} -i counts with whatever is assigned later`);
      if (literal(words[0]) !== '-f' && words.some(hasExpansion))
        this.#report(node, place, `${name} gets the name of a variable from a text`);
    }
    if (
      /^(?:read|mapfile|readarray|unset)$/.test(name) &&
      !named.has(bareName(place.inFunction)) &&
      words.some(
        (word, index) =>
          hasExpansion(word) && !/^\$\{!PG@\}$/.test(word.text) && !/^-[tunNdpi]$/.test(words[index - 1]?.text ?? ''),
      )
    )
      this.#report(node, place, `${name} gets the name of a variable from a text`);
    if ((name === 'test' || name === '[') && words.some((word) => literal(word) === '-v'))
      this.#report(node, place, `${name} -v evaluates the subscript of what it is given`);
    if (name === 'printf') this.#checkPrintf(node, words, place);
    if (/^(?:bash|sh)$/.test(name) || (name === 'as_postgres' && /^(?:bash|sh)$/.test(literal(words[0]) ?? ''))) {
      if (bareName(place.inFunction) !== 'as_postgres_function')
        this.#report(node, place, 'a shell gets a script from a text');
    }
    if (name === '.' || name === 'source') {
      if (words.some(hasExpansion)) this.#report(node, place, `${name} gets the name of a script from a text`);
    }
    this.#checkProgram(name === 'as_postgres' ? words : node.name === undefined ? [] : [node.name, ...words], place);
  }

  #checkPrintf(node: SyntaxNode, words: readonly Word[], place: Place): void {
    const toVariable = literal(words[0]) === '-v';
    if (toVariable && words[1] !== undefined && hasExpansion(words[1]) && !named.has(bareName(place.inFunction)))
      this.#report(node, place, 'printf -v gets the name of a variable from a text');
    const [format, ...values] = words.slice(toVariable ? 2 : 0).filter((word) => word.value !== '--');
    if (format === undefined) return;
    if (hasExpansion(format)) {
      this.#report(node, place, 'printf gets its format from a text');
      return;
    }
    const conversions = [...format.value.replaceAll('%%', '').matchAll(/%[-+ #0]*\d*(?:\.\d+)?(\([^)]*\)T|[a-zA-Z])/g)];
    for (const [index, [, conversion = '']] of conversions.entries()) {
      const value = values[index];
      if (
        value === undefined ||
        !/^(?:[diouxX]|\()/.test(conversion) ||
        /^(?:-1|"'\$character"|"\$\{1:--1\}")$/.test(value.text)
      )
        continue;
      if (this.#kindOfWord(value, place.inFunction, new Set()) !== 'number')
        this.#report(node, place, `printf takes ${value.text} for a number`);
    }
  }

  /** sed and awk run what is in their first word. */
  #checkProgram(words: readonly Word[], place: Place): void {
    const at = words.findIndex((word) => /^(?:sed|awk)$/.test(literal(word) ?? ''));
    if (at < 0 || at > 3) return;
    const takesValue = literal(words[at]) === 'awk' ? /^-[vFf]$/ : /^-[f]$/;
    let next = at + 1;
    for (; next < words.length; next++) {
      const option = literal(words[next]) ?? '';
      if (takesValue.test(option)) next++;
      else if (!option.startsWith('-')) break;
    }
    const program = words[next];
    if (program !== undefined && hasExpansion(program))
      this.#report(program, place, 'a program of sed or awk is made of a text');
  }
}

/** What the functions that check a text put where: format and variable. */
function takenBy(name: string, values: readonly (string | undefined)[]): [format: string, variable: string][] {
  const pairs: [string | undefined, string | undefined][] = [];
  if (name === 'take') pairs.push([values[0], values[1]]);
  if (name === 'take_row')
    for (let index = 2; index < values.length; index += 2) pairs.push([values[index], values[index + 1]]);
  if (name === 'take_bool') pairs.push(['flag', values[0]]);
  if (/^(?:lsn_number|segment_start|timeline_of)$/.test(name)) pairs.push(['number', values[0]]);
  return pairs.flatMap(([format, variable]) =>
    format !== undefined && variable !== undefined ? [[format, variable]] : [],
  );
}

function kindOf(format: string): Kind {
  const plain = format.replace('?', '');
  return numberFormats.has(plain) ? 'number' : hexFormats.has(plain) ? 'hex' : 'text';
}
