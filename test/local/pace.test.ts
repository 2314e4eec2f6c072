/** AWS's pace: the table says where its figures come from, and the runtime takes the times at the places where AWS does. */
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { awsPace, type PaceEntry, type PaceKind } from '../../local/pace/aws-pace.ts';
import { Pace } from '../../local/pace/pace.ts';
import { stateMachineArn } from './fixture/assembly.ts';
import { eventually, type Fixture, instanceIds, startFixture } from './fixture/runtime.ts';

describe('the table', () => {
  test.each(Object.entries<PaceEntry>(awsPace))(
    '%s: slow is not faster than typical; a source, or a guess with a reason',
    (_, entry) => {
      expect(entry.slow).toBeGreaterThanOrEqual(entry.typical);
      expect(entry.typical).toBeGreaterThan(0);
      if (entry.guess) expect(entry.source).not.toBe('');
      else expect(entry.source).toMatch(/https:\/\/\S+|Measured/);
    },
  );
});

test('at this machine’s own pace nothing is put off', () => {
  let done = false;
  new Pace().after('instanceStop', () => {
    done = true;
  });
  expect(done).toBe(true);
});

describe('a runtime at AWS’s pace', () => {
  let fixture: Fixture;
  let sfn: SFNClient;
  beforeAll(async () => {
    fixture = await startFixture('aws');
    sfn = new SFNClient(fixture.client);
  });
  afterAll(() => fixture.end());

  /** Milliseconds from the first to the last of these, one after the other. */
  const sum = (...kinds: PaceKind[]) => kinds.reduce((total, kind) => total + awsPace[kind].typical, 0);

  test('a command takes what the agent, its events and the functions take; two at once take no longer than one', async () => {
    const { executionArn } = await sfn.send(
      new StartExecutionCommand({
        stateMachineArn: stateMachineArn('flow'),
        input: JSON.stringify({ hosts: instanceIds, exit: 0 }),
      }),
    );
    await eventually(
      () => sfn.send(new DescribeExecutionCommand({ executionArn })),
      ({ status }) => status !== 'RUNNING',
      60,
    );
    const { events = [] } = await sfn.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 }));
    const times = (type: string) =>
      events.filter((event) => event.type === type).map(({ timestamp }) => timestamp?.getTime() ?? 0);
    const [first = 0, second = 0] = times('TaskScheduled');
    const [done = 0, doneToo = 0] = times('TaskSucceeded');
    const least = sum(
      'coldStart',
      'apiCall',
      'commandDelivery',
      'commandStart',
      'commandReport',
      'serviceEvent',
      'coldStart',
    );
    expect(done - first).toBeGreaterThanOrEqual(least);
    // Side by side: the second was sent before the first had ended, and waited for nothing of it.
    expect(second).toBeLessThan(done);
    expect(doneToo - done).toBeLessThan(least);
  });
});
