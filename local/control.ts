/** Requests to the runtime itself, below `/_local/`: what no AWS API offers. */
import * as z from 'zod';
import type { EventBus } from './events/event-bus.ts';
import { describeFault, faultSchema } from './faults/fault.ts';
import type { Faults } from './faults/faults.ts';
import type { Functions } from './functions/functions.ts';
import { type Host, mostShutdownMilliseconds } from './hosts/host.ts';
import type { Hosts } from './hosts/hosts.ts';
import { latencies, type Pace } from './pace/pace.ts';
import { AwsError } from './protocols/aws-error.ts';
import type { ControlHandler } from './protocols/endpoint.ts';

const dropSchema = z.strictObject({ drop: z.boolean() });
const healSchema = z.strictObject({ node: z.string().optional() });
const stopSchema = z.strictObject({ node: z.string(), how: z.enum(['off', 'clean', 'dies']) });
const latencySchema = z.strictObject({ latency: z.enum(latencies) });
const instanceSchema = z.strictObject({
  node: z.string(),
  autoScalingGroup: z.string().nullable().default(null),
  spot: z.boolean().default(false),
});
const coolSchema = z.strictObject({ except: z.array(z.string()) });

/** A change that can be asked for. */
type Change = (body: unknown) => Promise<object>;

function parse<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw new AwsError('ValidationException', z.prettifyError(parsed.error));
  return parsed.data;
}

function hostNamed(hosts: Hosts, name: string): Host {
  const host = hosts.list().find(({ facts }) => facts.name === name);
  if (host === undefined) throw new AwsError('ValidationException', `there is no host ${name}`);
  return host;
}

/** What can be changed. */
export interface Controlled {
  readonly bus: EventBus;
  readonly faults: Faults;
  readonly hosts: Hosts;
  readonly functions: Functions;
  readonly pace: Pace;
}

/**
 * `GET /_local/` says that the runtime is ready and what is wrong with its network. `PUT` changes something:
 * `events {"drop":true}` loses service events, `faults {"kind":"cut","node":…}` makes a fault of the network, `heal`
 * ends the faults of a host or all, `stop {"node":…, "how":"off"|"clean"|"dies"}` takes a host down and answers when it
 * is off (unnoticed by EC2 when it dies), `cool {"except":[…]}` has the next call of each function, but of these, start an
 * instance, `instance {"node":…, "autoScalingGroup":…, "spot":true}` makes it another kind of instance,
 * `latency {"latency":"aws"}` changes the pace. A request that changes something needs the header `x-local-runtime`, which no web page can send here.
 */
export function controlRequests({ bus, faults, hosts, functions, pace }: Controlled): ControlHandler {
  const state = () => ({
    ready: true,
    latency: pace.latency,
    dropEvents: bus.dropServiceEvents,
    faults: faults.list().map((fault) => ({ ...fault, description: describeFault(fault) })),
  });
  const changes: Readonly<Record<string, Change>> = {
    '/_local/events': async (body) => {
      bus.dropServiceEvents = parse(dropSchema, body).drop;
      return state();
    },
    '/_local/faults': async (body) => {
      await faults.add(parse(faultSchema, body));
      return state();
    },
    '/_local/heal': async (body) => {
      await faults.heal(parse(healSchema, body).node);
      return state();
    },
    '/_local/stop': async (body) => {
      const { node, how } = parse(stopSchema, body);
      const host = hostNamed(hosts, node);
      if (how === 'clean') await host.shutDown(mostShutdownMilliseconds);
      else await (how === 'off' ? host.powerOff() : host.die());
      return state();
    },
    '/_local/latency': async (body) => {
      pace.latency = parse(latencySchema, body).latency;
      return state();
    },
    '/_local/instance': async (body) => {
      const { node, ...kind } = parse(instanceSchema, body);
      hosts.setKind(hostNamed(hosts, node), kind);
      return state();
    },
    '/_local/cool': async (body) => {
      await functions.cool(parse(coolSchema, body).except);
      return state();
    },
  };
  return async (request, path, body) => {
    const change = Object.hasOwn(changes, path) ? changes[path] : undefined;
    if (request.method === 'GET' && (path === '/_local/' || change !== undefined)) return json(200, state());
    if (request.method !== 'PUT' || change === undefined) return undefined;
    try {
      if (request.headers['x-local-runtime'] === undefined) {
        throw new AwsError('AccessDeniedException', 'Send the header x-local-runtime: 1', 403);
      }
      return json(200, await change(parseJson(body)));
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      return json(error.status, { error: error.code, message: error.message });
    }
  };
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    throw new AwsError('ValidationException', `The request is not JSON: ${(error as Error).message}`);
  }
}

const json = (status: number, value: object) => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: `${JSON.stringify(value)}\n`,
});
