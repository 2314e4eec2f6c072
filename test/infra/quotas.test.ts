/** What a stack may take of an account, and what AWS takes of a stack. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { largestTemplate, TemplateSize } from '../../infra/template-size.ts';
import { clusterOf, largestCluster } from '../documents/clusters.ts';
import { readAssembly } from './assembly.ts';
import { example } from './clusters.ts';
import { all, templateOf } from './example-stacks.ts';
import { fits, hostPolicyCharacters, withQuotas } from './quotas.ts';
import { synthesize } from './synthesize.ts';

it('docs/deploying.md says how many clusters fit into an account (npm run reference writes it)', () => {
  const page = readFileSync(new URL('../../docs/deploying.md', import.meta.url), 'utf8');
  expect(page).toBe(withQuotas(page, templateOf(example)));
});

it('a fleet fits into an account with default quotas, and into a role that its hosts share', () => {
  expect(fits(templateOf(example)).clusters).toBeGreaterThanOrEqual(20);
  expect(Math.floor(10_240 / hostPolicyCharacters(templateOf(example)))).toBeGreaterThanOrEqual(12);
});

describe('the largest number of nodes', () => {
  /** 32 nodes of a name of 40 characters, each in a directory of its own. */
  const nodes = Array.from({ length: 32 }, (_, index) => ({
    name: `node-${index}.`.padEnd(40, 'x'),
    instanceId: `i-${`${index}`.padStart(17, '0')}`,
    address: `192.168.100.${100 + index}`,
    dataDirectory: `/data/orders-${index}/main`,
  }));

  it('makes a stack that CloudFormation and EventBridge take', () => {
    const [stack] = readAssembly(synthesize(clusterOf({ name: 'n'.repeat(30), nodes })));
    if (stack === undefined) throw new Error('no stack');
    const { template, templatePath } = stack;
    expect(statSync(templatePath).size).toBeLessThanOrEqual(largestTemplate);
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    expect(Object.keys(template.Resources).length).toBeLessThanOrEqual(500);
    expect(Object.keys(template.Outputs).length).toBeLessThanOrEqual(200);
    // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
    for (const { EventPattern } of all(template, 'AWS::Events::Rule')) {
      const pattern = JSON.stringify(EventPattern).replaceAll(/\{"Ref":"\w+"\}/g, 'x'.repeat(110));
      expect(pattern.length).toBeLessThanOrEqual(2048);
    }
  });

  it('fits with names and directories as long as they get', () => {
    const [stack] = readAssembly(synthesize(largestCluster()));
    expect(statSync(stack?.templatePath ?? '').size).toBeLessThanOrEqual(largestTemplate);
  });

  it('is refused, before anything is deployed, when it makes too much of a template', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'template-')), 'large.template.json');
    writeFileSync(path, 'x'.repeat(largestTemplate + 1));
    const report = new TemplateSize().validate({ templatePaths: [path] } as never);
    rmSync(dirname(path), { recursive: true });
    expect(report).toMatchObject({
      success: false,
      violations: [
        { ruleName: 'TemplateTooLarge', description: expect.stringContaining('shorter names and directories') },
      ],
    });
  });
});
