/** What people paste from the documentation. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** Blocks of shell in a page, each with its first line. */
const blocks = (file: string) =>
  [...readFileSync(file, 'utf8').matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text = '']) => ({
    text,
    start: text.split('\n')[0] ?? '',
  }));

describe.each(['README.md', 'docs/deploying.md'])('the commands of %s', (file) => {
  it('are shell', () => {
    expect(blocks(file)).not.toEqual([]);
    for (const { text, start } of blocks(file)) {
      const { status, stderr } = spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' });
      expect(status, `${start}: ${stderr}`).toBe(0);
      // A placeholder in angle brackets is a redirection.
      expect(text).not.toMatch(/<[a-z]+>|…/);
    }
  });

  it('use no variable that no block before has set', () => {
    const known = new Set(['HOME', 'PWD']);
    for (const { text } of blocks(file)) {
      for (const [, name = ''] of text.matchAll(/(?:^|;|export |for )\s*([A-Za-z_]\w*)(?==| in )/gm)) known.add(name);
      for (const [, name = ''] of text.matchAll(/\$\{?([A-Za-z_]\w*)/g)) expect(known, `$${name}`).toContain(name);
    }
  });
});
