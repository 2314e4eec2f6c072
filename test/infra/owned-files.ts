/**
 * Finds where a script for hosts opens, as root, a file that the PostgreSQL user owns or that another node names. A link in
 * such a place leads root to any file, and a pipe holds it for ever. `file_text`, `file_end`, `whole_text` and `read_numbers`
 * of lib/foreign.sh read as that user; `write_file` and functions that `as_postgres_function` runs write as that user.
 *
 * The rule can be decided: outside of functions that run as the PostgreSQL user, what is redirected from or to, and what
 * a program for files is given, begins with a place that only root can write, or is on the list of exceptions.
 */
import { forEachChild, parse, type SyntaxNode, type Word } from 'unbash';
import type { ScriptSource } from './foreign-text.ts';

/** A finding, as people read it. */
export interface OwnedFileFinding {
  readonly script: string;
  readonly line: number;
  readonly text: string;
}

/** Beginnings of paths that only root, or the kernel, decides over. */
const placesOfRoot = /^"?(?:\$\{?scratch\}?|\$MEMORY|\/proc\/|\/dev\/|\$\{TMPDIR)/;

const programs = new Set(
  'awk cat chcon chgrp chmod chown cmp cp cut dd diff du grep head install ln mkdir mkfifo mktemp mv od openssl restorecon rm rmdir sed shred sort stat tac tail tar tee touch truncate wc'.split(
    ' ',
  ),
);

/**
 * Function and program that touch such a file as root all the same, with the reason. They look at an entry of a directory
 * and open nothing.
 */
const exceptions: Readonly<Record<string, string>> = {
  'make_memory mkdir': 'the directory of root itself',
  'make_memory stat': 'the same; it does not follow links',
  'sweep_scratch_directories rm': 'directories of this user, in memory; rm follows no links',
  'copying_processes grep': 'the text is looked for in /proc',
  'server_processes grep': 'the same',
  'free_bytes stat': 'the file system of a directory',
  'label_state stat': 'the label of a directory',
  'mark_log stat': 'the size of a file',
  'server_log stat': 'the same',
  'is_larger stat': 'the same',
  'last_bytes tail': 'files of the scratch directory only, as its callers show',
  'make_scratch_directory mktemp': 'the scratch directory itself',
  'make_scratch_directory chmod': 'the same',
  'write_scratch_file chown': 'a file of the scratch directory',
  'fetch_secret <': 'the same',
  'ask_for_secret >': 'the same',
  'listening_socket awk': 'files in /proc',
  'segment_in_replay <': 'the same',
  'server_processes <': 'the same',
  'lines_without grep': 'a pattern, and a text from a pipe',
  'is_fresh_copy grep': 'a text from a pipe',
  'find_server <': 'a regular file and no link, seen before; a beginning of it, and nothing that is not of its format',
  'program_with_socket <': 'the name of a process in /proc',
};

/** Every finding in scripts that are used together. */
export function ownedFilesIn(sources: readonly ScriptSource[]): OwnedFileFinding[] {
  const scripts = sources.map((source) => ({ source, script: parse(source.text) }));
  const asPostgres = new Set<string>();
  for (const { script } of scripts) collectFunctionsOfPostgres(script, asPostgres);
  const findings: OwnedFileFinding[] = [];
  for (const { source, script } of scripts) {
    visit(script, '', (node, inFunction, what, word) => {
      if (asPostgres.has(inFunction) || exceptions[`${inFunction} ${what}`] !== undefined || !mayBeOwned(word)) return;
      const line = source.text.slice(0, node.pos).split('\n').length;
      findings.push({ script: source.name, line, text: source.text.split('\n')[line - 1]?.trim() ?? '' });
    });
  }
  return findings;
}

function collectFunctionsOfPostgres(node: SyntaxNode, names: Set<string>): void {
  if (node.type === 'Command' && node.name?.text === 'as_postgres_function') {
    const [first] = node.suffix;
    if (first?.type === 'Word') names.add(first.text);
  }
  forEachChild(node, (child) => collectFunctionsOfPostgres(child, names));
}

/** Calls back for each file that is opened: what opens it, and the word that says which. */
function visit(
  node: SyntaxNode,
  inFunction: string,
  opened: (node: SyntaxNode, inFunction: string, what: string, word: Word) => void,
): void {
  const inside = node.type === 'Function' ? node.name.value : inFunction;
  if (node.type === 'Redirect' && /^(?:<|>|>>|<>|>\||&>|&>>)$/.test(node.operator) && node.target !== undefined)
    opened(node, inside, node.operator === '<' ? '<' : '>', node.target);
  if (node.type === 'Command' && node.name !== undefined && programs.has(node.name.text)) {
    for (const word of node.suffix) if (word.type === 'Word') opened(node, inside, node.name.text, word);
  }
  forEachChild(node, (child) => visit(child, inside, opened));
}

/** Whether a word may be a path outside of root's places: what is expanded in it decides, and it is no option's value. */
function mayBeOwned(word: Word): boolean {
  if (!/\$|`/.test(word.text) || word.parts?.[0]?.type === 'SingleQuoted' || word.text.startsWith("'")) return false;
  if (/^[<>]\(/.test(word.text) || /^-/.test(word.text) || /^"?\w+=/.test(word.text)) return false;
  return !placesOfRoot.test(word.text);
}
