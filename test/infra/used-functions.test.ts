import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandScript } from '../../infra/documents/command-documents.ts';
import { withoutUnusedFunctions } from '../../infra/documents/used-functions.ts';
import { nodeCommandNames } from '../../lambdas/contract/node-commands.ts';
import { example } from './clusters.ts';
import { synthesize } from './synthesize.ts';

const script = (text: string) => text.trim().split('\n');

describe('functions that a command does not use', () => {
  it('are left out with their comments; what is named anywhere in use stays', () => {
    const lines = script(`
#!/bin/bash
readonly a=1
# Unused, though it calls another.
unused() {
  helper
}
# Called by main.
helper() {
  trap on_end EXIT
}
on_end() (
  true
)
main() {
  # not unused
  helper
}
main`);
    expect(withoutUnusedFunctions(lines).join('\n')).toBe(
      script(`
#!/bin/bash
readonly a=1
# Called by main.
helper() {
  trap on_end EXIT
}
on_end() (
  true
)
main() {
  # not unused
  helper
}
main`).join('\n'),
    );
  });

  it('must end where they can be seen to', () => {
    expect(() => withoutUnusedFunctions(['f() {', '  true', '  }'])).toThrow(/f does not end/);
  });

  const facts = { replicationSecretId: 'r', monitoringSecretId: 'm', region: 'us-east-1' };
  it.each(nodeCommandNames)('leave %s with everything that it calls', (command) => {
    const whole = commandScript(example, facts, command, { everyFunction: true }).join('\n');
    const lines = commandScript(example, facts, command);
    const kept = new Set(lines.flatMap((line) => /^([a-z_][a-z0-9_]*)\(\) [{(]$/.exec(line)?.[1] ?? []));
    const text = lines.join('\n');
    for (const [, name = ''] of whole.matchAll(/^([a-z_][a-z0-9_]*)\(\) [{(]$/gm)) {
      if (!kept.has(name)) expect(text, name).not.toMatch(new RegExp(`(?<![\\w$-])${name}(?![\\w=-])`));
    }
    expect(lines.length).toBeLessThan(whole.split('\n').length + 1);
  });
});

it('leaves the template of the largest cluster room: CloudFormation takes a megabyte', () => {
  const [first] = example.nodes;
  if (first === undefined) throw new Error('the example has no node');
  const nodes = Array.from({ length: 32 }, (_, index) => ({
    ...first,
    name: `node-with-a-name-of-average-length-${index}`,
    instanceId: `i-0a1b2c3d4e5f601${index + 10}`,
    address: `192.168.168.${100 + index}`,
  }));
  const assembly = synthesize({ ...example, nodes });
  expect(statSync(join(assembly, `${example.name}.template.json`)).size).toBeLessThan(900_000);
});
