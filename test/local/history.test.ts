/** The library's events become AWS's history, whatever order the last ones arrive in. */
import { expect, test } from 'vitest';
import { prepareDefinition } from '../../local/executions/definition.ts';
import { HistoryRecorder, type LibraryEvent } from '../../local/executions/history.ts';

const pass = { Type: 'Pass', End: true };
const wait = { Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', TimeoutSeconds: 5, End: true };

function record(states: object) {
  const { states: facts } = prepareDefinition('m', JSON.stringify({ StartAt: 'x', States: states }));
  const recorder = new HistoryRecorder(facts, () => {});
  recorder.start({}, 'role');
  const say = (type: string, name: string, more: Partial<LibraryEvent> = {}) => {
    recorder.push({
      type,
      timestamp: 1_000,
      state: { name, type: facts.get(name)?.type ?? '', input: { items: [1, 2] }, output: 1 },
      ...more,
    });
  };
  const iteration = (type: string, name: string, index: number) => {
    recorder.push({ type, timestamp: 1_000, index, parentState: { name } });
  };
  const lines = () => {
    recorder.flush();
    return recorder.events.map(({ id, previousEventId, type }) => `${id}<${previousEventId} ${type}`);
  };
  return { recorder, say, iteration, lines };
}

test('iterations are chains of their own; what arrives after the end of their Map still comes before it', () => {
  const { say, iteration, lines } = record({
    M: { Type: 'Map', ItemsPath: '$.items', ItemProcessor: { StartAt: 'P', States: { P: pass } }, End: true },
  });
  say('StateEntered', 'M');
  for (const index of [0, 1]) iteration('MapIterationStarted', 'M', index);
  for (const index of [0, 1]) say('StateEntered', 'P', { index });
  say('StateExited', 'M');
  for (const index of [0, 1]) say('StateExited', 'P', { index });
  iteration('MapIterationSucceeded', 'M', 0);
  expect(lines()).toEqual([
    '1<0 ExecutionStarted',
    '2<1 MapStateEntered',
    '3<2 MapStateStarted',
    '4<3 MapIterationStarted',
    '5<3 MapIterationStarted',
    '6<4 PassStateEntered',
    '7<5 PassStateEntered',
    '8<6 PassStateExited',
    '9<7 PassStateExited',
    '10<8 MapIterationSucceeded',
    '11<9 MapIterationSucceeded',
    '12<11 MapStateSucceeded',
    '13<12 MapStateExited',
  ]);
});

test('branches start from their Parallel’s event', () => {
  const branch = (name: string) => ({ StartAt: name, States: { [name]: pass } });
  const { say, lines } = record({ P: { Type: 'Parallel', Branches: [branch('L'), branch('R')], End: true } });
  say('StateEntered', 'P');
  for (const name of ['L', 'R']) say('StateEntered', name);
  for (const name of ['R', 'L']) say('StateExited', name);
  say('StateExited', 'P');
  expect(lines().slice(2)).toEqual([
    '3<2 ParallelStateStarted',
    '4<3 PassStateEntered',
    '5<3 PassStateEntered',
    '6<5 PassStateExited',
    '7<4 PassStateExited',
    '8<7 ParallelStateSucceeded',
    '9<8 ParallelStateExited',
  ]);
});

test('when a Map fails, its other iterations are aborted, their tasks closed, and nothing of them is recorded any more', () => {
  const { recorder, say, iteration, lines } = record({
    M: { Type: 'Map', ItemsPath: '$.items', ItemProcessor: { StartAt: 'T', States: { T: wait } }, End: true },
  });
  say('StateEntered', 'M');
  for (const index of [0, 1]) iteration('MapIterationStarted', 'M', index);
  for (const index of [0, 1]) say('StateEntered', 'T', { index });
  const [first, second] = [recorder.claim('T'), recorder.claim('T')];
  let closed = 0;
  second?.onClose(() => closed++);
  say('StateFailed', 'T', { index: 0, Error: 'Boom' });
  iteration('MapIterationFailed', 'M', 0);
  say('StateFailed', 'M', { Error: 'Boom' });
  recorder.flush();
  iteration('MapIterationStarted', 'M', 2);
  say('StateEntered', 'T', { index: 2 });
  expect(lines().slice(7)).toEqual(['8<6 MapIterationFailed', '9<7 MapIterationAborted', '10<9 MapStateFailed']);
  expect([first?.closed, second?.closed, closed]).toEqual([true, true, 1]);
  expect(recorder.claim('T')).toBeUndefined();
});

test('a timeout is the task’s own event; the last event of an execution is the last', () => {
  const { recorder, say, lines } = record({ T: wait });
  say('StateEntered', 'T');
  const visit = recorder.claim('T');
  if (visit === undefined) throw new Error('not claimed');
  recorder.add(visit, 'TaskScheduled', {});
  visit.attempt = { prefix: 'Task', details: {} };
  say('StateFailed', 'T', { Error: 'States.Timeout' });
  recorder.finish('ExecutionFailed', { error: 'States.Timeout' });
  say('StateExited', 'T');
  expect(lines()).toEqual([
    '1<0 ExecutionStarted',
    '2<1 TaskStateEntered',
    '3<2 TaskScheduled',
    '4<3 TaskTimedOut',
    '5<4 ExecutionFailed',
  ]);
});
