import { JsonPath, Map as MapState, Pass, type StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { functionStep } from './function-step.ts';
import { LockedRunbook, type RunbookProps } from './locked-runbook.ts';
import { type NodeCommandStepProps, nodeCommandStep } from './node-command-step.ts';
import { standbyCatchingUp, standbyConnecting, standbyReplaying } from './retry-policies.ts';

const epoch = '$.operation.epoch';
const primary = '$.plan.primary';

/** What the branches of a Map find in their input: the node, and what they need to know of the operation. */
const branchInput = { node: JsonPath.stringAt('$$.Map.Item.Value'), epoch: JsonPath.numberAt(epoch) };

/**
 * The setup runbook: from hosts with PostgreSQL installed to one primary and its synchronous standbys.
 * Every step tests its goal first, so that a second run changes nothing and a run after a failure goes on.
 */
export class SetupRunbook extends Construct {
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, props: RunbookProps) {
    super(scope, id);
    const { functions } = props;
    const onNode = (name: string, step: Omit<NodeCommandStepProps, 'functions'>) =>
      nodeCommandStep(this, name, { functions, ...step });

    const plan = functionStep(this, 'Plan setup', {
      comment: 'Finds the primary by looking; refuses with every problem of every node before anything is changed.',
      lambdaFunction: functions.get('plan-setup'),
      payload: { reports: JsonPath.objectAt('$.preflight') },
      resultPath: '$.plan',
    });

    const instances = functionStep(this, 'Look at the instances', {
      comment: 'Warns of hosts that a failover could not fence by their power: of Auto Scaling groups, spot instances.',
      lambdaFunction: functions.get('plan-fencing'),
      payload: { nodes: JsonPath.objectAt('$.operation.nodes') },
      resultPath: '$.instances',
    });

    const streaming = functionStep(this, 'Verify standbys are streaming', {
      comment: 'Over SQL, by the observer. Reports first which standbys could not be built.',
      lambdaFunction: functions.get('verify-replication'),
      payload: {
        expect: 'streaming',
        primary: JsonPath.stringAt(primary),
        standbys: JsonPath.objectAt('$.standbys'),
      },
      resultPath: '$.streaming',
    });
    streaming.addRetry(standbyConnecting);
    streaming.addRetry(standbyCatchingUp);

    const durable = functionStep(this, 'Verify synchronous standbys have caught up', {
      comment: 'By LSN: "sync" in the view alone does not mean caught up.',
      lambdaFunction: functions.get('verify-replication'),
      payload: { expect: 'durable', primary: JsonPath.stringAt(primary) },
      resultPath: '$.replication',
    });
    durable.addRetry(standbyConnecting);
    durable.addRetry(standbyCatchingUp);

    const steps = this.preflight(onNode)
      .next(plan)
      .next(instances)
      .next(this.configureStandbys(onNode))
      .next(
        onNode('Configure primary', { command: 'configure-primary', node: primary, epoch, resultPath: '$.configured' }),
      )
      .next(
        onNode('Ensure roles and slots', {
          command: 'ensure-roles-and-slots',
          node: primary,
          epoch,
          parameters: { Primary: primary },
          resultPath: '$.ensured',
        }),
      )
      .next(this.buildStandbys(onNode))
      .next(streaming)
      .next(
        onNode('Set synchronous standbys', {
          command: 'set-synchronous-standbys',
          node: primary,
          epoch,
          parameters: { StandbyNames: '$.plan.synchronousStandbyNames' },
          resultPath: '$.synchronous',
        }),
      )
      .next(durable)
      .next(
        onNode('Prove a durable write', {
          command: 'prove-durable-write',
          node: primary,
          epoch,
          resultPath: '$.write',
        }),
      )
      .next(
        new Pass(this, 'Report', {
          comment: 'The output of the execution.',
          parameters: {
            primary: JsonPath.stringAt(primary),
            synchronousStandbyNames: JsonPath.stringAt('$.replication.synchronousStandbyNames'),
            replication: JsonPath.objectAt('$.replication.table'),
            durableWrite: JsonPath.objectAt('$.write'),
            warnings: JsonPath.objectAt('$.instances.warnings'),
            changes: {
              runningStandbys: JsonPath.objectAt('$.configuredStandbys'),
              primary: JsonPath.objectAt('$.configured'),
              rolesAndSlots: JsonPath.objectAt('$.ensured'),
              standbys: JsonPath.objectAt('$.standbys'),
              synchronousStandbys: JsonPath.objectAt('$.synchronous'),
            },
          },
        }),
      );

    this.stateMachine = new LockedRunbook(this, 'Runbook', {
      ...props,
      runbook: 'setup',
      title: 'Setup',
      comment: 'Sets up synchronous replication: one primary, and standbys that confirm its commits.',
      steps,
    }).stateMachine;
  }

  /** All nodes at once; one that cannot be asked is a problem for the plan to report, with all others. */
  private preflight(onNode: OnNode): MapState {
    const impossible = new Pass(this, 'Node could not be asked', {
      comment: 'Plan setup reports it with all other problems.',
    });
    const preflight = onNode('Preflight node', {
      command: 'preflight',
      node: '$.node',
      epoch: '$.epoch',
      resultPath: '$.facts',
    });
    preflight.addCatch(impossible, { resultPath: '$.failure' });
    return new MapState(this, 'Preflight all nodes', {
      comment: 'Versions, directories, disks, credentials, what runs. Changes nothing.',
      itemsPath: '$.operation.nodes',
      itemSelector: branchInput,
      resultPath: '$.preflight',
    }).itemProcessor(preflight);
  }

  /** One after the other, so that commits are still confirmed; before the primary, or its standbys would end. */
  private configureStandbys(onNode: OnNode): MapState {
    const configure = onNode('Configure standby', {
      command: 'configure-standby',
      node: '$.node',
      epoch: '$.epoch',
      resultPath: '$.configured',
    });
    return new MapState(this, 'Configure running standbys', {
      comment: 'One after the other, and before the primary: a standby must not have less than its primary.',
      itemsPath: '$.plan.runningStandbys',
      itemSelector: branchInput,
      maxConcurrency: 1,
      resultPath: '$.configuredStandbys',
    }).itemProcessor(configure);
  }

  /** All standbys at once; one that fails does not stop the others, and is reported when all have ended. */
  private buildStandbys(onNode: OnNode): MapState {
    const failed = new Pass(this, 'Standby could not be built', { comment: 'Reported when all standbys have ended.' });
    const backup = onNode('Take base backup', {
      command: 'take-base-backup',
      node: '$.node',
      epoch: '$.epoch',
      parameters: { Primary: '$.primary' },
      resultPath: '$.baseBackup',
    });
    const start = onNode('Start standby', {
      command: 'start-standby',
      node: '$.node',
      epoch: '$.epoch',
      parameters: { Primary: '$.primary' },
      resultPath: '$.start',
    });
    start.addRetry(standbyReplaying);
    backup.addCatch(failed, { resultPath: '$.failure' });
    start.addCatch(failed, { resultPath: '$.failure' });
    return new MapState(this, 'Build standbys', {
      comment: 'Cloned beside the data directory, verified, put in place, started under their own names.',
      itemsPath: '$.plan.standbys',
      itemSelector: { ...branchInput, primary: JsonPath.stringAt(primary) },
      resultPath: '$.standbys',
    }).itemProcessor(backup.next(start));
  }
}

type OnNode = (name: string, step: Omit<NodeCommandStepProps, 'functions'>) => ReturnType<typeof nodeCommandStep>;
