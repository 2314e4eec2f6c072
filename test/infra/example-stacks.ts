/** The stacks of two clusters: the notes' and one with every option. */
import type { Cluster } from '../../lambdas/contract/cluster-config.ts';
import { runbookNames } from '../../lambdas/contract/names.ts';
import { readAssembly, resourcesOf, type Template } from './assembly.ts';
import { everyOption, example } from './clusters.ts';
import { synthesize } from './synthesize.ts';

const stacks = readAssembly(synthesize(example, everyOption));

export const exampleStacks = [
  { cluster: example, account: '<AWS::AccountId>', ports: [5432], nodesGroup: 'sg-0123456789abcdef0' },
  { cluster: everyOption, account: '123456789012', ports: [6432, 7432], nodesGroup: 'sg-0fedcba9876543210' },
];

export function stackOf(cluster: Cluster): (typeof stacks)[number] {
  const stack = stacks.find(({ name }) => name === cluster.name);
  if (stack === undefined) throw new Error(`no stack ${cluster.name}`);
  return stack;
}

export const templateOf = (cluster: Cluster): Template => stackOf(cluster).template;

/** The properties of all resources of a type. */
export const all = (template: Template, type: string) =>
  resourcesOf(template, type).map(([, { Properties }]) => Properties);

/** ARNs of a cluster's runbooks, in the order of their names. */
export const runbookArns = ({ name: cluster, network }: Cluster, account: string) =>
  runbookNames.toSorted().map((name) => `arn:aws:states:${network.region}:${account}:stateMachine:${cluster}-${name}`);
