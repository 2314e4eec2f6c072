import { beforeEach, expect, it } from 'vitest';
import type { Process } from '../../local/hosts/all-processes.ts';
import { HostSessions } from '../../local/hosts/host-sessions.ts';

const someone = (pid: number, session: number, started = `${pid}`, state = 'S'): Process => ({
  pid,
  parent: 1,
  session,
  terminal: 0,
  state,
  started,
});
const leader = someone(100, 100);
const child = someone(101, 100);
const other = someone(50, 50);
let sessions: HostSessions;
const numbers = (...all: Process[]) => [...sessions.numbers(all)];

beforeEach(() => {
  sessions = new HostSessions();
  sessions.begin(leader);
});

it('are the host’s while their leader lives, and no others are', () => {
  expect(numbers(other, leader, child)).toEqual([100]);
});

it('are the host’s while anything lives that their leader has left behind', () => {
  sessions.end(100, [other, child]);
  expect(numbers(other, child)).toEqual([100]);
  const grandchild = someone(102, 100);
  expect(numbers(other, child, grandchild)).toEqual([100]);
  expect(numbers(other, grandchild)).toEqual([100]);
});

it('are the host’s while their leader is a zombie: its end has not been heard of', () => {
  const zombie = { ...leader, state: 'Z' };
  expect(numbers(other, zombie, child)).toEqual([100]);
});

it.each([
  ['its leader has left nothing', [other]],
  ['only a zombie is left', [other, someone(101, 100, '101', 'Z')]],
])('are gone when %s: whoever gets the number is a stranger', (_, left) => {
  sessions.end(100, left);
  const stranger = someone(100, 100, '9000');
  expect(numbers(other, stranger, someone(9001, 100))).toEqual([]);
});

it('are gone with the last of what was left behind', () => {
  sessions.end(100, [child]);
  expect(numbers(other, someone(100, 100, '9000'))).toEqual([]);
  expect(numbers(other, child)).toEqual([]);
});
