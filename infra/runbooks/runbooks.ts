import { Validations } from 'aws-cdk-lib';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { Cluster } from '../../lambdas/contract/cluster-config.ts';
import { type RunbookName, resourceNames, runbookNames } from '../../lambdas/contract/names.ts';
import { logGroup } from '../log-groups.ts';
import { acknowledgeWildcard } from '../wildcards.ts';
import { AllowAsyncRunbook } from './allow-async.ts';
import { FailoverRunbook } from './failover.ts';
import type { RunbookProps } from './locked-runbook.ts';
import { MaintenanceRunbook } from './maintenance.ts';
import { RejoinRunbook } from './rejoin.ts';
import { ResumeSyncRunbook } from './resume-sync.ts';
import type { RunbookFunctions } from './runbook-functions.ts';
import { SetupRunbook } from './setup.ts';
import { SwitchoverRunbook } from './switchover.ts';

/** How each runbook is made. */
const constructs: Readonly<
  Record<
    RunbookName,
    new (
      scope: Construct,
      id: string,
      props: RunbookProps,
    ) => Construct & { stateMachine: StateMachine }
  >
> = {
  setup: SetupRunbook,
  rejoin: RejoinRunbook,
  switchover: SwitchoverRunbook,
  failover: FailoverRunbook,
  maintenance: MaintenanceRunbook,
  'allow-async': AllowAsyncRunbook,
  'resume-sync': ResumeSyncRunbook,
};

/** `setup` → `Setup`, `allow-async` → `AllowAsync`. */
export function constructId(runbook: RunbookName): string {
  return runbook.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The runbooks of a cluster. */
export class Runbooks extends Construct {
  readonly stateMachines: Readonly<Record<RunbookName, StateMachine>>;

  constructor(scope: Construct, id: string, { cluster, functions }: { cluster: Cluster; functions: RunbookFunctions }) {
    super(scope, id);
    const made = runbookNames.map((name) => [name, this.create(name, cluster, functions)] as const);
    this.stateMachines = Object.fromEntries(made) as Record<RunbookName, StateMachine>;
  }

  private create(name: RunbookName, cluster: Cluster, functions: RunbookFunctions): StateMachine {
    const log = logGroup(this, `${constructId(name)}Log`, resourceNames(cluster.name).runbookLogGroup(name));
    const runbook = new constructs[name](this, constructId(name), { cluster, functions, logGroup: log });
    acknowledgeWildcard(runbook, {
      resource: '*',
      reason: 'The actions of log delivery and X-Ray have no resource type.',
    });
    Validations.of(runbook).acknowledge({
      id: 'AwsSolutions-SF1',
      reason:
        'An execution keeps its whole history for 90 days by itself; the log holds what went wrong, without the data.',
    });
    return runbook.stateMachine;
  }
}
