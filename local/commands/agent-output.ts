/** What of a command's output reaches its reader: the agent cuts it by bytes, and SSM keeps so many characters. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';

/** Bytes that the agent sends at most, of either stream (runpluginutil.go and iohandler.go in its source). */
const longestSent = 24_000;
const suffix = '--output truncated--';

/** Characters that GetCommandInvocation gives back. */
export const longestStdout = 24_000;
export const longestStderr = 8_000;

/**
 * The output in a file as SSM has it. The agent cuts as soon as there are 24,000 bytes, be it within a character, and
 * puts its suffix there.
 */
export function sentOutput(path: string, characters: number): string {
  if (!existsSync(path)) return '';
  const descriptor = openSync(path, 'r');
  try {
    const isWhole = fstatSync(descriptor).size < longestSent;
    const buffer = Buffer.alloc(isWhole ? longestSent : longestSent - suffix.length);
    const count = readSync(descriptor, buffer, 0, buffer.length, 0);
    const sent = `${buffer.toString('utf8', 0, count)}${isWhole ? '' : suffix}`;
    return [...sent].slice(0, characters).join('');
  } finally {
    closeSync(descriptor);
  }
}
