/** Leaves out the functions of a script that nothing in it calls: a library is part of every command, used in parts. */

/** A function with the comment above it, or a stretch of code outside of functions. */
interface Block {
  readonly name: string | null;
  readonly lines: string[];
}

const beginning = /^([a-z_][a-z0-9_]*)\(\) [{(]$/;
const end = /^[})]$/;

/** The blocks of a script. Functions begin and end at the left margin, and nothing else looks as they do. */
function blocksOf(lines: readonly string[]): Block[] {
  const blocks: Block[] = [];
  let comments: string[] = [];
  let inside: Block | null = null;
  for (const line of lines) {
    const name: string | undefined = inside === null ? beginning.exec(line)?.[1] : undefined;
    if (name !== undefined) {
      inside = { name, lines: [...comments, line] };
      blocks.push(inside);
      comments = [];
    } else if (inside !== null) {
      inside.lines.push(line);
      if (end.test(line)) inside = null;
    } else if (line.startsWith('#') && !line.startsWith('#!')) {
      comments.push(line);
    } else {
      blocks.push({ name: null, lines: [...comments, line] });
      comments = [];
    }
  }
  if (inside !== null) throw new Error(`the function ${inside.name} does not end at the left margin`);
  return [...blocks, { name: null, lines: comments }];
}

/** Words that may name a function, wherever they stand: in a trap, as an argument, in another function. */
const wordsOf = (lines: readonly string[]): string[] => lines.join('\n').match(/[a-z_][a-z0-9_]*/g) ?? [];

/** The script without functions that neither its code nor a function in use names. */
export function withoutUnusedFunctions(lines: readonly string[]): string[] {
  const blocks = blocksOf(lines);
  const functions = new Map(blocks.flatMap((block) => (block.name === null ? [] : [[block.name, block] as const])));
  const used = new Set<string>();
  const open = blocks.filter(({ name }) => name === null).flatMap((block) => wordsOf(block.lines));
  for (let word = open.pop(); word !== undefined; word = open.pop()) {
    const found = functions.get(word);
    if (found === undefined || used.has(word)) continue;
    used.add(word);
    open.push(...wordsOf(found.lines.filter((line) => !/^\s*#/.test(line))));
  }
  return blocks.filter(({ name }) => name === null || used.has(name)).flatMap((block) => block.lines);
}
