/** The commands that people paste from the documentation. */
import { readFileSync } from 'node:fs';

/** A block of shell in a page. */
export interface Block {
  /** The heading that it stands under. */
  readonly heading: string;
  readonly text: string;
}

/** The blocks of shell of a page, in their order. */
export function blocksOf(file: string): Block[] {
  const blocks: Block[] = [];
  let heading = '';
  for (const [, title, text] of readFileSync(file, 'utf8').matchAll(/^#+ (.*)$|^```sh\n([\s\S]*?)^```$/gm)) {
    if (title !== undefined) heading = title;
    else if (text !== undefined) blocks.push({ heading, text });
  }
  return blocks;
}
