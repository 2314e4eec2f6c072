/** Mails as they arrive: no line that a mail system would cut, and commands that do the same when they are pasted. */
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { longestMailLine, mailText, shellWord } from '../../lambdas/domain/mail-text.ts';

const longestLine = (text: string) => Math.max(...text.split('\n').map((line) => Buffer.byteLength(line)));

/** What bash makes of each text: the words that `aws` is called with. */
function wordsGivenToAws(texts: readonly string[]): string[][] {
  const script = `aws() { printf '%s\\0' "$@"; printf '\\1\\0'; }\n${texts.join('\n')}\n`;
  const { stdout, stderr, status } = spawnSync('bash', ['--norc', '-c', script], {
    encoding: 'utf8',
    env: { LC_ALL: 'C.UTF-8' },
  });
  expect([status, stderr]).toEqual([0, '']);
  return stdout
    .split('\u0001\0')
    .slice(0, -1)
    .map((words) => words.split('\0').slice(0, -1));
}

const character = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...'abcXYZ019-:/{}"') },
  { weight: 1, arbitrary: fc.constantFrom("'", '\\', '$', '`', '!', ' ', '*', '&', ';', '\t', '主', '🐘', 'é') },
);
const word = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: character, minLength: 1, maxLength: 60 }) },
  { weight: 1, arbitrary: fc.string({ unit: character, minLength: 1, maxLength: 4000, size: 'max' }) },
);

describe('a mail', () => {
  it('has no line that is longer than mail systems pass on, whatever it says', () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 30 }), fc.boolean(), (words, isCommand) => {
        const line = isCommand ? `  Command: aws ${words.map(shellWord).join(' ')}` : words.join(' ');
        expect(longestLine(mailText(['subject', line]))).toBeLessThanOrEqual(longestMailLine);
      }),
      { numRuns: 300 },
    );
  });

  it('has commands that a shell reads as what they were before they were broken into lines', () => {
    // Control characters are no part of names or of inputs: plain text keeps them out.
    const plainWord = word.filter((text) => !text.includes('\t'));
    fc.assert(
      fc.property(fc.array(fc.tuple(plainWord, fc.boolean()), { minLength: 1, maxLength: 12 }), (given) => {
        const words = given.map(([text, quoted]) =>
          quoted
            ? { text, shell: shellWord(text) }
            : { text: text.replace(/[^\w:/-]/gu, 'x'), shell: text.replace(/[^\w:/-]/gu, 'x') },
        );
        const line = `aws ${words.map(({ shell }) => shell).join(' ')}`;
        fc.pre(Buffer.byteLength(line) < 12_000);
        const mail = mailText([`  Command: ${line}`]);
        expect(wordsGivenToAws([mail.replace(/^ {2}Command: /, '')])).toEqual([words.map(({ text }) => text)]);
      }),
      { numRuns: 200 },
    );
  });

  it('keeps what is short as it is', () => {
    const lines = ['a', '', '  Command: aws x --input \'{"a":1}\'', ' usename | sync_state'];
    expect(mailText(lines)).toBe(`${lines.join('\n')}\n`);
  });
});
