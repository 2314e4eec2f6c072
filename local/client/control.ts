/** Requests to a running runtime itself: what no AWS API offers. */
import type { Fault } from '../faults/fault.ts';
import type { Latency } from '../pace/pace.ts';

/** What the runtime says of itself. */
export interface RuntimeState {
  readonly ready: boolean;
  readonly latency: Latency;
  readonly dropEvents: boolean;
  readonly faults: readonly (Fault & { readonly description: string })[];
}

/** A shutdown may take its time. */
const limitMilliseconds = 180_000;

async function put(endpoint: string, what: string, body: object): Promise<RuntimeState> {
  const response = await fetch(`${endpoint}/_local/${what}`, {
    method: 'PUT',
    headers: { 'x-local-runtime': '1', 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(limitMilliseconds),
  }).catch((error: Error) => {
    const cause = error.cause instanceof Error ? error.cause.message : error.message;
    throw new Error(
      `no local runtime answers at ${endpoint} (${cause}); start one with npm run local, or give its --port`,
    );
  });
  const answer = (await response.json()) as RuntimeState & { readonly message?: string };
  if (!response.ok) throw new Error(answer.message ?? `the runtime answered ${response.status}`);
  return answer;
}

/** Makes a fault of the network. */
export const makeFault = (endpoint: string, fault: Fault) => put(endpoint, 'faults', fault);

/** Ends the faults of a host, or all. */
export const healFaults = (endpoint: string, node?: string) =>
  put(endpoint, 'heal', node === undefined ? {} : { node });

/** How a host goes down: its power is cut by EC2; the system shuts down first; or its power fails, and EC2 does not know. */
export type Stop = 'off' | 'clean' | 'dies';

/** Takes a host down. Returns when it is off. */
export const stopHost = (endpoint: string, node: string, how: Stop) => put(endpoint, 'stop', { node, how });

/** Changes the pace of the runtime, for whatever begins from now on. */
export const setLatency = (endpoint: string, latency: Latency) => put(endpoint, 'latency', { latency });

/** Makes a host a member of an Auto Scaling group, or a spot instance; an ordinary instance when nothing is given. */
export const makeInstance = (
  endpoint: string,
  node: string,
  kind: { autoScalingGroup?: string; spot?: boolean } = {},
) => put(endpoint, 'instance', { node, ...kind });

/** Has the next call of each function start a new instance, as after hours without a call. */
export const coolFunctions = (endpoint: string, except: readonly string[] = []) => put(endpoint, 'cool', { except });

/** Loses, or delivers again, the events that AWS services send. */
export const dropEvents = (endpoint: string, drop: boolean) => put(endpoint, 'events', { drop });
