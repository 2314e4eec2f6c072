/** What a switchover or a failover has done, for people and for programs. */
import type { Cluster } from '../contract/cluster-config.ts';
import type { Failure } from '../contract/payloads.ts';
import type { Fence, PromotionReport, ReportPromotionInput } from '../contract/promotions.ts';
import { configurationLines } from './configuration-failure.ts';
import { explainFailure } from './failure.ts';
import { listed } from './quantities.ts';

const rejoinAdvice = (node: string) => `  Start the rejoin runbook for it: {"node":"${node}"}`;

/** Only on a host that was reached could PostgreSQL be kept from starting. */
const bootWarning =
  '  Until it has, keep applications away from it: when its host boots, PostgreSQL starts there and takes sessions, whose commits wait or are lost.';

/** Whether an instance has such volumes, nobody here can see. */
const erasedWarning =
  '  Its power was cut, so its file systems may need a check. Stopping has erased its instance-store volumes, if it has any: data that was there comes back by a rebuild.';

function fenceLine(former: string | null, fence: Fence): string[] {
  if (former === null || fence.method === 'none') return [];
  const how =
    fence.method === 'host'
      ? 'PostgreSQL there was stopped and disabled over SSM'
      : `EC2 was seen to have stopped its instance ${fence.detail.instanceId}`;
  return [`${former} was fenced before: ${how}.`];
}

export function promotionReport(cluster: Cluster, input: ReportPromotionInput): PromotionReport {
  const { promoted, replication } = input;
  const failed = input.followers.flatMap(({ node, failure }) =>
    failure === undefined ? [] : [problem(node, failure)],
  );
  const following = input.followers.flatMap(({ node, failure }) => (failure === undefined ? [node] : []));
  const verified = 'table' in replication ? replication : null;
  const [primary, formerPrimary, what] =
    input.runbook === 'failover'
      ? ([
          input.candidate.node,
          input.plan.formerPrimary,
          [...input.plan.evidence, ...fenceLine(input.plan.formerPrimary, input.fence), ...input.candidate.reasons],
        ] as const)
      : ([input.plan.to, input.plan.mode === 'switch' ? input.plan.from : null, []] as const);
  const left = input.runbook === 'failover' && formerPrimary !== null ? [formerPrimary] : [];
  return {
    primary,
    formerPrimary,
    timeline: promoted.timeline,
    synchronousStandbyNames: verified?.synchronousStandbyNames ?? null,
    summary: [
      `${primary} is the primary, on timeline ${promoted.timeline}${following.length > 0 ? `; ${listed(following, 'follows')} it` : ''}.`,
      ...what,
      ...('failure' in replication ? [`Replication is not verified: ${text(replication.failure)}`] : []),
      ...(following.length < cluster.replication.count
        ? [
            `Commits wait: they need ${cluster.replication.count} of the standbys, and ${listed(following, 'follows')}. Rejoin brings one back.`,
          ]
        : []),
      ...failed.flatMap(({ node, error, cause }) => [
        `${node} does not follow: ${error}: ${cause}`,
        rejoinAdvice(node),
      ]),
      ...configurationLines(primary, promoted.configurationFailure),
      ...input.followers.flatMap(({ node, start }) => configurationLines(node, start?.configurationFailure)),
      ...left.flatMap((node) => [`${node} is out of the cluster until it rejoins.`, rejoinAdvice(node)]),
      ...(input.runbook === 'failover' && input.fence.method === 'instance'
        ? left.flatMap(() => [bootWarning, erasedWarning])
        : []),
    ],
    replication: verified?.table ?? [],
    notFollowing: failed,
  };
}

function problem(node: string, failure: Failure) {
  return { node, ...explainFailure(failure) };
}

function text(failure: Failure): string {
  const { error, cause } = explainFailure(failure);
  return `${error}: ${cause}`;
}
