import { readAllowance } from '../adapters/allowance-store.ts';
import { readChecker } from '../adapters/checker-store.ts';
import { deployedCluster } from '../adapters/cluster.ts';
import { CachedCredentials } from '../adapters/credentials.ts';
import { environmentVariable } from '../adapters/environment.ts';
import { observe } from '../adapters/observer.ts';
import { lockHolder } from '../adapters/operation-lock.ts';
import { runningExecutions } from '../adapters/runbook-tasks.ts';
import { sourceOf } from '../adapters/source.ts';
import { widgetEventSchema } from '../contract/widget.ts';
import { dashboardView } from '../domain/dashboard-view.ts';
import { runbookLinks } from '../domain/runbook-links.ts';
import { documentation } from '../widget/documentation.ts';
import { renderWidget } from '../widget/widget.tsx';

const cluster = deployedCluster();
const table = environmentVariable('STATE_TABLE');
const observer = environmentVariable('OBSERVER_FUNCTION');
const credentials = new CachedCredentials(environmentVariable('MONITORING_SECRET_ID'));
const runbooks = environmentVariable('RUNBOOK_ARN_PREFIX');
const links = runbookLinks(cluster.network.region, runbooks);

/** Draws the cluster as it is now, for a custom widget of its CloudWatch dashboard: HTML without a script. */
export async function handler(event: unknown): Promise<string> {
  const { describe, widgetContext } = widgetEventSchema.parse(event);
  if (describe) return documentation;
  const [observation, checker, allowance, lock, executions] = await Promise.all([
    sourceOf(async () => observe(observer, await credentials.read())),
    sourceOf(async () => (await readChecker(table)).state),
    sourceOf(() => readAllowance(table)),
    sourceOf(() => lockHolder(table)),
    sourceOf(() => runningExecutions(runbooks)),
  ]);
  const refused =
    'value' in observation &&
    observation.value.nodes.some((node) => !node.answered && node.failure.kind === 'authentication');
  if (refused) credentials.forget();
  const sources = { observation, checker, allowance, lock, executions };
  return renderWidget(dashboardView(cluster, sources, links, new Date(), widgetContext.timezone), widgetContext);
}
