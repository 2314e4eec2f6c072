/**
 * The text of a mail: no line is longer than mail systems pass on unchanged, and a command that is broken into lines
 * still does what it did when it is pasted into a shell.
 *
 * @see https://www.rfc-editor.org/rfc/rfc5322#section-2.1.1 998 characters in a line; what SNS does with more is nowhere said
 */

/** With some to spare for what a mail system puts before a line. */
export const longestMailLine = 900;

/** A text that went through {@link mailText}. */
export type MailText = string & { readonly mailText: unique symbol };

const encoder = new TextEncoder();
const bytesOf = (text: string): number => encoder.encode(text).length;

/** A line of a shell: what stands before it, and the command. */
const command = /^(\s*(?:Command: )?)(aws .*)$/;

/**
 * SNS takes 256 KiB of a message, all forms together, each as text within JSON; some forms are sent to two protocols.
 * With this limit the total stays below that even if every character has to be escaped.
 */
const longestMail = 16_000;

/** The lines as the text of a mail; the beginning of them when there are too many. */
export function mailText(lines: readonly string[]): MailText {
  const broken = lines.join('\n').split('\n').flatMap(breakLine);
  return clipBytes(`${broken.join('\n')}\n`, longestMail) as MailText;
}

function clipBytes(text: string, limit: number): string {
  const encoded = encoder.encode(text);
  if (encoded.length <= limit) return text;
  const { read } = encoder.encodeInto(text, new Uint8Array(limit - 4));
  return `${text.slice(0, read)}...\n`;
}

function breakLine(line: string): string[] {
  if (bytesOf(line) <= longestMailLine) return [line];
  const [, label = '', shell] = command.exec(line) ?? [];
  return shell === undefined ? breakWords(line) : breakCommand(label, shell);
}

/** Breaks at spaces, and within a word only where that alone is too long. */
function breakWords(line: string): string[] {
  const broken: string[] = [];
  let current = '';
  for (const word of line.split(/(?<= )/)) {
    if (bytesOf(current + word) <= longestMailLine) {
      current += word;
    } else if (bytesOf(word) <= longestMailLine) {
      broken.push(current.trimEnd());
      current = word;
    } else {
      const pieces = breakWord(current + word, longestMailLine);
      broken.push(...pieces.slice(0, -1));
      current = pieces.at(-1) ?? '';
    }
  }
  return [...broken, current.trimEnd()];
}

/** Pieces of so many bytes at most, whole characters each. */
function breakWord(word: string, limit: number): string[] {
  const pieces: string[] = [];
  let current = '';
  for (const character of word) {
    if (bytesOf(current + character) > limit) {
      pieces.push(current);
      current = '';
    }
    current += character;
  }
  return [...pieces, current];
}

/** Every word of a command with its quotes, in the quoting of {@link shellWord}: single quotes, and \' between them. */
const shellWords = /(?:'[^']*'|\\.|[^'\\\s])+/g;

/**
 * A backslash at the end of a line goes on in the next. Between words that is all; within one, its quotes are closed
 * before and opened after it, and the next line begins with the rest of the word.
 */
function breakCommand(label: string, shell: string): string[] {
  const room = longestMailLine - 10;
  const broken: string[] = [];
  let current = label;
  let first = true;
  for (const word of shell.match(shellWords) ?? []) {
    const space = first ? '' : ' ';
    if (!first && bytesOf(`${current} ${word}`) > room) {
      broken.push(`${current} \\`);
      current = '   ';
    }
    current += space;
    first = false;
    const pieces = breakShellWord(word, room - bytesOf(current), room);
    for (const piece of pieces.slice(0, -1)) {
      broken.push(`${current}${piece}\\`);
      current = '';
    }
    current += pieces.at(-1) ?? '';
  }
  return [...broken, current];
}

/** A word in pieces which, one after the other, are the same word to a shell. */
function breakShellWord(word: string, firstRoom: number, room: number): string[] {
  if (bytesOf(word) <= firstRoom) return [word];
  const pieces: string[] = [];
  let current = '';
  let quoted = false;
  for (const unit of shellUnits(word)) {
    if (current !== '' && bytesOf(current + unit) + 1 > (pieces.length === 0 ? firstRoom : room)) {
      pieces.push(quoted ? `${current}'` : current);
      current = quoted ? "'" : '';
    }
    current += unit;
    if (unit === "'") quoted = !quoted;
  }
  return [...pieces, current];
}

/** The characters of a word; outside of quotes a backslash and what it escapes are one. */
function* shellUnits(word: string): Generator<string> {
  let quoted = false;
  let escaped = '';
  for (const character of word) {
    if (!quoted && escaped === '' && character === '\\') {
      escaped = character;
      continue;
    }
    if (escaped === '' && character === "'") quoted = !quoted;
    yield escaped + character;
    escaped = '';
  }
}

/** A text as one word of a shell. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
