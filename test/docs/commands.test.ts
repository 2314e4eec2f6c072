/** What people paste from the documentation. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { blocksOf } from '../support/pages.ts';

describe.each(['README.md', 'docs/deploying.md', 'docs/failures.md'])('the commands of %s', (file) => {
  it('are shell', () => {
    expect(blocksOf(file)).not.toEqual([]);
    for (const { text } of blocksOf(file)) {
      const { status, stderr } = spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' });
      expect(status, `${text.split('\n')[0]}: ${stderr}`).toBe(0);
      // A placeholder in angle brackets is a redirection.
      expect(text).not.toMatch(/<[a-z]+>|…/);
    }
  });

  it('use no variable that no block before has set', () => {
    const known = new Set(['HOME', 'PWD']);
    for (const { text } of blocksOf(file)) {
      for (const [, name = ''] of text.matchAll(/(?:^|;|export |for )\s*([A-Za-z_]\w*)(?==| in )/gm)) known.add(name);
      for (const [, name = ''] of text.matchAll(/\$\{?([A-Za-z_]\w*)/g)) expect(known, `$${name}`).toContain(name);
    }
  });
});
