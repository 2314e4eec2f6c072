/** What IAM answers to calls that no scenario makes, by the policies of clusters with and without every option. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { AccessControl } from '../../local/access/access-control.ts';
import { checkConfiguredCalls } from '../../local/access/configured-calls.ts';
import { loadAssembly, type Stack } from '../../local/assembly/load-assembly.ts';
import { everyOption, example } from './clusters.ts';
import { synthesize } from './synthesize.ts';
import { temporaryDirectory } from './temporary-directory.ts';

let stacks: Stack[];
let access: AccessControl;
beforeAll(() => {
  stacks = loadAssembly(synthesize(example, everyOption));
  access = new AccessControl(stacks, '000000000000', join(temporaryDirectory(), 'access'), () => undefined);
});

it('AWS refuses no call that it makes because of what is configured', async () => {
  await checkConfiguredCalls(stacks, access);
});

describe.each([example, everyOption])('the observer of $name', ({ name }) => {
  const observer = () => {
    const stack = stacks.find((each) => each.name === name);
    const found = stack?.resources.find(({ id }) => id === `${name}-observe-cluster`);
    if (stack === undefined || found === undefined) throw new Error(`no observer of ${name}`);
    return { stack, role: String(found.properties.Role), arn: found.attributes.Arn ?? '' };
  };

  it.each(['ec2:DescribeSubnets', 'ec2:DescribeNetworkInterfaces', 'ssm:ListCommands'])(
    'may not call %s in its code',
    async (action) => {
      const { stack, role, arn } = observer();
      const code = access.session(role, 'observer', { 'lambda:SourceFunctionArn': arn });
      const call = access.check(code, { action, resources: [], region: stack.region });
      await expect(call).rejects.toThrow('with an explicit deny in an identity-based policy');
    },
  );
});
