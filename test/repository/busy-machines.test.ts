/** No test asks how fast the machine is: others work on it, too. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const tests = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('busy-machines.test.ts'))
  .map((file) => ({ file, lines: readFileSync(join('test', file), 'utf8').split('\n') }));

const places = (matches: (line: string, next: string) => boolean) =>
  tests.flatMap(({ file, lines }) =>
    lines.flatMap((line, index) =>
      matches(line, lines[index + 1] ?? '') ? [`test/${file}:${index + 1}: ${line.trim()}`] : [],
    ),
  );

it('no test has a time limit of its own', () => {
  const ownLimit = (line: string, next: string) =>
    /^\s*\}, \d[\d_]{3,}\);$/.test(line) ||
    /^\s*(?:it|test)\b.*, \d[\d_]{3,}\);$/.test(line) ||
    /\b(?:test|hook)Timeout\b/.test(line) ||
    /^\s*(?:before|after)(?:All|Each)\(.*, \d[\d_]*\);$/.test(line) ||
    (/^\s+\d[\d_]{3,},$/.test(line) && /^\s*\);$/.test(next));
  expect(places(ownLimit)).toEqual([]);
});

it('what is measured is compared with what was measured beside it, or with seconds that mean a defect', () => {
  const duration =
    /(?:now\(\)|[mM]illiseconds|[sS]econds|\bto - from|elapsed|took)\b[^;]*\)\.toBeLessThan(?:OrEqual)?\(([^;]*)\)/;
  const mostSeconds = { seconds: 5, milliseconds: 5000 };
  const quick = places((line) => {
    const limit = duration.exec(line)?.[1];
    if (limit === undefined || !/^[\d_]+$/.test(limit)) return false;
    return (
      Number(limit.replaceAll('_', '')) <
      (/[^i]seconds/i.test(line) && !/milli/i.test(line) ? mostSeconds.seconds : mostSeconds.milliseconds)
    );
  });
  expect(quick).toEqual([]);
});
