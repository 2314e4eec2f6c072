/** Whom a node that rejoins is to follow. */
import { describe, expect, it } from 'vitest';
import { primaryFor } from '../../lambdas/domain/rejoin-primary.ts';
import { exampleCluster } from '../support/example-cluster.ts';
import { observe, receiver, world } from './observed.ts';

const cluster = exampleCluster();
const [master, slave01, slave02] = ['pg_sync_master', 'pg_sync_slave01', 'pg_sync_slave02'];
const look = (node: string, changes: Parameters<typeof world>[1] = {}) =>
  primaryFor(cluster, observe(cluster, world(cluster, changes)), node);
const refusal = (name: string) => expect.objectContaining({ name });

const down = { seen: 'refused', streams: false } as const;
const writes = (timeline: number) => ({ role: 'primary', streams: false, facts: { timeline } }) as const;

describe('the primary is the node that accepts writes', () => {
  it('for a standby that is well, and for one that is down', () => {
    expect(look(slave01)).toEqual({ primary: master, followers: 1, acceptsWrites: false });
    expect(look(slave01, { [slave01]: down })).toMatchObject({ primary: master, acceptsWrites: false });
  });

  it('and not the one that is asked for', () => {
    expect(() => look(master)).toThrow(refusal('NodeIsPrimary'));
  });

  it('and never presumed', () => {
    expect(() => look(slave01, { [master]: down })).toThrow(refusal('NoPrimary'));
  });
});

describe('of two nodes that accept writes', () => {
  it('the one that is followed is the primary', () => {
    // A standby that somebody promoted by mistake.
    expect(look(slave01, { [slave01]: writes(2) })).toEqual({ primary: master, followers: 1, acceptsWrites: true });
    expect(() => look(master, { [slave01]: writes(2) })).toThrow(refusal('NodeIsPrimary'));
  });

  it('the one of the later timeline is, when neither is followed', () => {
    const both = { [slave01]: writes(2), [slave02]: down };
    expect(look(master, both)).toEqual({ primary: slave01, followers: 0, acceptsWrites: true });
    expect(() => look(slave01, both)).toThrow(refusal('TwoPrimaries'));
  });

  it('neither is for a third node', () => {
    expect(() => look(slave02, { [slave01]: writes(2) })).toThrow(refusal('TwoPrimaries'));
  });
});

it('a former primary that came back is not believed while a standby streams a later timeline from another node', () => {
  const address = cluster.nodes.find(({ name }) => name === slave01)?.address ?? null;
  const follower = {
    streams: false,
    facts: { timeline: 2, walReceiver: receiver({ senderHost: address, senderPort: cluster.postgres.port }) },
  };
  const came = { [slave01]: { ...down, seen: 'timeout' }, [slave02]: follower } as const;
  expect(() => look(slave02, came)).toThrow(refusal('TwoPrimaries'));
});
