/**
 * Finds where an error that ends a command would be lost: bash goes on after a failed substitution, except in a plain
 * assignment outside of any other substitution (`set -e` does not reach into those before bash 4.4). What follows would be
 * done with nothing, as if nothing had been asked for.
 */
import { forEachChild, parse, type SyntaxNode } from 'unbash';
import type { ScriptSource } from './foreign-text.ts';

/** A finding, as people read it. */
export interface LostErrorFinding {
  readonly script: string;
  readonly line: number;
  readonly text: string;
}

/** What checks its text itself, or comes to an end where an error was reported: nothing happens with it before. */
const checking =
  /^(?:succeed|report|json_\w+|take|take_row|take_values|take_bool|fail|superseded|not_durable|invalid|start_failed|not_the_primary)$/;

interface Use {
  readonly source: ScriptSource;
  readonly node: SyntaxNode;
  readonly inFunction: string;
  readonly inSubstitution: boolean;
  /** What becomes of the status. */
  readonly status: 'ends' | 'asked' | 'lost' | 'checked';
}

/** Every finding in scripts that are used together. */
export function lostErrorsIn(sources: readonly ScriptSource[]): LostErrorFinding[] {
  const calls = new Map<string, Set<string>>();
  const fromSubstitution = new Set<string>();
  const uses: Use[] = [];
  const scripts = sources.map((source) => ({ source, script: parse(source.text) }));

  const visit = (
    node: SyntaxNode,
    at: { source: ScriptSource; inFunction: string; inSubstitution: boolean; status: Use['status']; asked: boolean },
  ): void => {
    let next = at;
    if (node.type === 'Function') next = { ...at, inFunction: node.name.value, asked: false, status: 'lost' };
    if (node.type === 'AndOr') {
      for (const [index, command] of node.commands.entries())
        visit(command, { ...at, asked: at.asked || node.operators[index] === '||' });
      return;
    }
    if (node.type === 'Command') {
      const name = node.name?.text ?? '';
      if (name !== '') {
        calls.set(at.inFunction, (calls.get(at.inFunction) ?? new Set()).add(name));
        if (at.inSubstitution) fromSubstitution.add(name);
      }
      const assigns = node.name === undefined && node.prefix.every((part) => part.type === 'Assignment');
      next = {
        ...at,
        status: checking.test(name)
          ? 'checked'
          : assigns
            ? at.asked
              ? 'asked'
              : 'ends'
            : at.status === 'checked'
              ? 'checked'
              : 'lost',
      };
    }
    if (node.type === 'TestCommand' || node.type === 'HereString' || node.type === 'HereDoc')
      next = { ...next, status: 'lost' };
    if (node.type === 'CommandExpansion') {
      uses.push({
        source: at.source,
        node,
        inFunction: at.inFunction,
        inSubstitution: at.inSubstitution,
        status: at.status,
      });
      next = { ...at, inSubstitution: true, asked: false, status: at.status === 'checked' ? 'checked' : 'lost' };
    }
    forEachChild(node, (child) => visit(child, next));
  };
  for (const { source, script } of scripts)
    visit(script, { source, inFunction: '', inSubstitution: false, status: 'lost', asked: false });

  const closure = (begin: Iterable<string>, next: (name: string) => Iterable<string>): Set<string> => {
    const reached = new Set(begin);
    for (const name of reached) for (const other of next(name)) reached.add(other);
    return reached;
  };
  const callersOf = (name: string) => [...calls].filter(([, called]) => called.has(name)).map(([caller]) => caller);
  const mayFail = closure(['fail'], callersOf);
  const substituted = closure(fromSubstitution, (name) => calls.get(name) ?? []);

  return uses
    .filter(({ node, status, inFunction, inSubstitution }) => {
      if (status === 'asked' || status === 'checked') return false;
      if (!callsIn(node).some((name) => mayFail.has(name))) return false;
      return status === 'lost' || inSubstitution || substituted.has(inFunction);
    })
    .map(({ source, node }) => {
      const line = source.text.slice(0, node.pos).split('\n').length;
      return { script: source.name, line, text: source.text.split('\n')[line - 1]?.trim() ?? '' };
    });
}

/** Names of the commands that run in a substitution itself, not in one within. */
function callsIn(node: SyntaxNode): string[] {
  const names: string[] = [];
  const visit = (child: SyntaxNode): void => {
    if (child.type === 'CommandExpansion') return;
    if (child.type === 'Command' && child.name !== undefined) names.push(child.name.text);
    forEachChild(child, visit);
  };
  forEachChild(node, visit);
  return names;
}
