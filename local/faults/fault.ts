/** Faults of the network, as they are asked for and as they are told. */
import * as z from 'zod';

const node = z.string().min(1);

/** One fault; what each does is in docs/local-runtime.md. */
export const faultSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('cut'), node }),
  z.strictObject({ kind: z.literal('cut-between'), node, other: node }),
  z.strictObject({ kind: z.literal('cut-sql'), node }),
  z.strictObject({ kind: z.literal('cut-ssm'), node }),
  z.strictObject({ kind: z.literal('delay'), node, milliseconds: z.int().min(1).max(60_000) }),
  z.strictObject({ kind: z.literal('loss'), node, percent: z.number().multipleOf(0.1).min(0.1).max(100) }),
]);

export type Fault = z.output<typeof faultSchema>;
export type FaultKind = Fault['kind'];

/** A fault in words. */
export function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case 'cut':
      return `${fault.node} is cut off from everything`;
    case 'cut-between':
      return `${fault.node} and ${fault.other} are cut off from each other`;
    case 'cut-sql':
      return `the functions are cut off from PostgreSQL on ${fault.node}`;
    case 'cut-ssm':
      return `${fault.node} is cut off from AWS: no commands, no results, no secrets`;
    case 'delay':
      return `every round trip to ${fault.node} takes ${fault.milliseconds} ms longer`;
    case 'loss':
      return `${fault.percent} % of the packets to and from ${fault.node} are lost`;
  }
}

/** True when the fault keeps the SSM agent of the node from AWS. */
export function cutsAgent(fault: Fault, name: string): boolean {
  return (fault.kind === 'cut' || fault.kind === 'cut-ssm') && fault.node === name;
}

/** True when the fault is one of the node's. */
export function concerns(fault: Fault, name: string): boolean {
  return fault.node === name || (fault.kind === 'cut-between' && fault.other === name);
}

/** True when one fault takes the place of the other: it is of the same kind between the same hosts. */
export function replaces(fault: Fault, other: Fault): boolean {
  if (fault.kind === 'cut-between' && other.kind === 'cut-between') {
    return concerns(fault, other.node) && concerns(fault, other.other);
  }
  return fault.kind === other.kind && fault.node === other.node;
}
