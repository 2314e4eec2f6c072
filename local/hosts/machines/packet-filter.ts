/** Faults of the network as rules of nftables for the switch: what a rule drops, nobody hears of, as in a real cut. */
import type { Fault } from '../../faults/fault.ts';
import { slowName } from './slow-link.ts';

/** A machine as the switch sees it. */
export interface Port {
  /** Name of the node. */
  readonly node: string;
  /** Its link, on the side of the switch. */
  readonly link: string;
  /** PostgreSQL's port. */
  readonly sqlPort: number;
}

/** Rules of one fault, by the way that packets take: between machines, to the runtime, from the runtime. */
interface Rules {
  readonly forward: readonly string[];
  readonly input: readonly string[];
  readonly output: readonly string[];
}

/** The link, and the one that takes its place while it is slow. */
const names = (link: string) => `{ "${link}", "${slowName(link)}" }`;

/** Drops both ways whatever passes the link and matches. */
function everythingOf(link: string, ...match: readonly string[]): Rules {
  const from = ['iifname', names(link), ...match, 'drop'].join(' ');
  const to = ['oifname', names(link), ...match, 'drop'].join(' ');
  return { forward: [from, to], input: [from], output: [to] };
}

/** Drops both ways what the link exchanges with the runtime over a TCP port. */
function withRuntime(link: string, towardsRuntime: string, fromRuntime: string): Rules {
  return {
    forward: [],
    input: [`iifname ${names(link)} tcp ${towardsRuntime} drop`],
    output: [`oifname ${names(link)} tcp ${fromRuntime} drop`],
  };
}

function rulesOf(fault: Fault, ports: ReadonlyMap<string, Port>, apiPort: number): Rules {
  const { link = '', sqlPort = 0 } = ports.get(fault.node) ?? {};
  switch (fault.kind) {
    case 'cut':
      return everythingOf(link);
    case 'cut-between': {
      const other = ports.get(fault.other)?.link ?? '';
      const rule = (from: string, to: string) => `iifname ${names(from)} oifname ${names(to)} drop`;
      return { forward: [rule(link, other), rule(other, link)], input: [], output: [] };
    }
    case 'cut-sql':
      return withRuntime(link, `sport ${sqlPort}`, `dport ${sqlPort}`);
    case 'cut-ssm':
      return withRuntime(link, `dport ${apiPort}`, `sport ${apiPort}`);
    case 'loss':
      return fault.percent === 100
        ? everythingOf(link)
        : everythingOf(link, `numgen random mod 1000 < ${Math.round(fault.percent * 10)}`);
    case 'delay':
      return { forward: [], input: [], output: [] }; // a filter cannot; see slow-link.ts
  }
}

/** The whole rule set for these faults; loading it replaces the former one at once. */
export function ruleSet(faults: readonly Fault[], ports: readonly Port[], apiPort: number): string {
  const byNode = new Map(ports.map((port) => [port.node, port]));
  const rules = faults.map((fault) => rulesOf(fault, byNode, apiPort));
  const chain = (hook: keyof Rules) => [
    `  chain ${hook} {`,
    `    type filter hook ${hook} priority 0;`,
    ...rules.flatMap((each) => each[hook]).map((rule) => `    ${rule}`),
    '  }',
  ];
  return [
    'table bridge faults',
    'delete table bridge faults',
    'table bridge faults {',
    ...chain('forward'),
    ...chain('input'),
    ...chain('output'),
    '}',
    '',
  ].join('\n');
}
