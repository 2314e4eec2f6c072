/** EventBridge Scheduler: rate schedules that invoke functions. */
import type { AccessControl } from '../access/access-control.ts';
import { resourcesOf, type Stack } from '../assembly/load-assembly.ts';
import type { Functions } from '../functions/functions.ts';
import { ownPace, type Pace } from '../pace/pace.ts';
import { AwsError } from '../protocols/aws-error.ts';

/** A schedule as deployed. */
export interface Schedule {
  readonly name: string;
  readonly arn: string;
  readonly region: string;
  readonly description: string;
  readonly expression: string;
  readonly periodSeconds: number;
  readonly enabled: boolean;
  readonly target: { readonly arn: string; readonly roleArn: string; readonly input: string };
  readonly created: Date;
}

const unitSeconds: Readonly<Record<string, number>> = { minute: 60, hour: 3600, day: 86_400 };

/** Seconds of `rate(5 minutes)`; other expressions are refused. */
export function ratePeriodSeconds(expression: string): number {
  const match = /^rate\(([1-9]\d*) (minute|hour|day)s?\)$/.exec(expression);
  const unit = unitSeconds[match?.[2] ?? ''];
  if (unit === undefined) throw new Error(`schedule ${expression} is not supported by the local runtime, only rate(…)`);
  return Number(match?.[1]) * unit;
}

interface ScheduleProperties {
  readonly Description?: string;
  readonly ScheduleExpression: string;
  readonly State?: string;
  readonly Target: {
    readonly Arn: string;
    readonly RoleArn: string;
    readonly Input?: string;
    readonly [key: string]: unknown;
  };
}

/** The schedules of the assembly. */
export class Schedules {
  readonly #schedules: Schedule[];
  readonly #functions: Functions;
  readonly #access: AccessControl;
  readonly #pace: Pace;
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(stacks: readonly Stack[], functions: Functions, access: AccessControl, pace: Pace = ownPace) {
    this.#functions = functions;
    this.#access = access;
    this.#pace = pace;
    this.#schedules = resourcesOf(stacks, 'AWS::Scheduler::Schedule').map(({ stack, resource }) => {
      const { Description, ScheduleExpression, State, Target } = resource.properties as unknown as ScheduleProperties;
      const unknown = Object.keys(Target).filter(
        (key) => !['Arn', 'RoleArn', 'Input', 'RetryPolicy', 'DeadLetterConfig'].includes(key),
      );
      if (unknown.length > 0)
        throw new Error(
          `Schedule ${resource.id}: target field ${unknown.join(', ')} is not supported by the local runtime`,
        );
      if (!/^arn:aws[a-z-]*:lambda:/.test(Target.Arn)) {
        throw new Error(`Schedule ${resource.id}: target ${Target.Arn} is not supported by the local runtime`);
      }
      return {
        name: resource.id,
        arn: resource.attributes.Arn ?? '',
        region: stack.region,
        description: Description ?? '',
        expression: ScheduleExpression,
        periodSeconds: ratePeriodSeconds(ScheduleExpression),
        enabled: (State ?? 'ENABLED') === 'ENABLED',
        target: { arn: Target.Arn, roleArn: Target.RoleArn, input: Target.Input ?? '{}' },
        created: new Date(),
      };
    });
  }

  /** Begins: the first tick comes at once, as on AWS when a rate schedule without a start date is created. */
  start(): void {
    for (const { name, enabled, periodSeconds, target } of this.#schedules) {
      if (!enabled) continue;
      const session = this.#access.session(target.roleArn, name);
      const call = { action: 'lambda:InvokeFunction', resources: [target.arn] };
      const invoke = async (input: string) => {
        if (await this.#access.may(session, call)) this.#functions.invokeAsync(target.arn, input);
      };
      const tick = () => {
        const input = target.input.replaceAll('<aws.scheduler.scheduled-time>', new Date().toISOString());
        this.#pace.after('scheduleLateness', () => void invoke(input));
      };
      tick();
      const timer = setInterval(tick, periodSeconds * 1000);
      timer.unref();
      this.#timers.push(timer);
    }
  }

  /** Schedules of a region, sorted by name. */
  list(region: string): Schedule[] {
    return this.#schedules
      .filter((schedule) => schedule.region === region)
      .sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Finds a schedule by name. */
  find(name: string, region: string): Schedule {
    const schedule = this.list(region).find((candidate) => candidate.name === name);
    if (schedule === undefined)
      throw new AwsError('ResourceNotFoundException', `Schedule ${name} does not exist.`, 404);
    return schedule;
  }

  /** Ends all ticks. */
  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }
}
