/** The default EventBridge bus: rules of the assembly and the delivery of events to their targets. */
import { randomUUID } from 'node:crypto';
import type { AccessControl } from '../access/access-control.ts';
import { serviceFor } from '../access/principal.ts';
import { resourcesOf, type Stack } from '../assembly/load-assembly.ts';
import type { Functions } from '../functions/functions.ts';
import { ownPace, type Pace } from '../pace/pace.ts';
import { AwsError } from '../protocols/aws-error.ts';
import { checkPattern, matches, type Pattern } from './pattern.ts';

/** A target of a rule: a function. */
export interface Target {
  readonly id: string;
  readonly arn: string;
  /** JSON sent instead of the event. */
  readonly input: string | undefined;
}

/** A rule as deployed. */
export interface Rule {
  readonly name: string;
  readonly arn: string;
  readonly region: string;
  readonly description: string;
  readonly pattern: Pattern;
  readonly targets: readonly Target[];
  enabled: boolean;
}

/** An event without what the bus fills in. */
export interface NewEvent {
  readonly source: string;
  readonly 'detail-type': string;
  readonly detail: object;
  readonly resources?: readonly string[];
  readonly time?: Date;
  readonly region: string;
  readonly account: string;
}

interface RuleProperties {
  readonly Description?: string;
  readonly EventPattern?: unknown;
  readonly ScheduleExpression?: string;
  readonly EventBusName?: string;
  readonly State?: string;
  readonly Targets?: readonly {
    readonly Id: string;
    readonly Arn: string;
    readonly Input?: string;
    readonly [key: string]: unknown;
  }[];
}

/** Fields of a target that are known here; how AWS retries has no effect. A function is called without a role. */
const inertTargetFields = ['Id', 'Arn', 'Input', 'RetryPolicy', 'DeadLetterConfig'];

/** The bus. */
export class EventBus {
  readonly #rules: Rule[];
  readonly #functions: Functions;
  readonly #access: AccessControl;
  readonly #pace: Pace;
  /** AWS delivers the events of its services at best effort; when set, they are all lost. */
  dropServiceEvents: boolean;

  constructor(
    stacks: readonly Stack[],
    functions: Functions,
    access: AccessControl,
    dropServiceEvents: boolean,
    pace: Pace = ownPace,
  ) {
    this.#functions = functions;
    this.#access = access;
    this.#pace = pace;
    this.dropServiceEvents = dropServiceEvents;
    this.#rules = resourcesOf(stacks, 'AWS::Events::Rule').map(({ stack, resource }) => {
      const properties = resource.properties as RuleProperties;
      const refuse = (what: string): never => {
        throw new Error(`Rule ${resource.id}: ${what} is not supported by the local runtime`);
      };
      if (properties.ScheduleExpression !== undefined) refuse('ScheduleExpression (use AWS::Scheduler::Schedule)');
      if ((properties.EventBusName ?? 'default') !== 'default') refuse(`event bus ${properties.EventBusName}`);
      return {
        name: resource.id,
        arn: resource.attributes.Arn ?? '',
        region: stack.region,
        description: properties.Description ?? '',
        pattern: checkPattern(properties.EventPattern),
        enabled: (properties.State ?? 'ENABLED') !== 'DISABLED',
        targets: (properties.Targets ?? []).map((target) => {
          const unknown = Object.keys(target).filter((key) => !inertTargetFields.includes(key));
          if (unknown.length > 0) refuse(`target field ${unknown.join(', ')}`);
          if (!target.Arn.includes(':lambda:')) refuse(`target ${target.Arn}`);
          return { id: target.Id, arn: target.Arn, input: target.Input };
        }),
      };
    });
  }

  /** Rules of a region, sorted by name. */
  list(region: string): Rule[] {
    return this.#rules.filter((rule) => rule.region === region).sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Finds a rule by name. */
  find(name: string, region: string): Rule {
    const rule = this.list(region).find((candidate) => candidate.name === name);
    if (rule === undefined) {
      throw new AwsError('ResourceNotFoundException', `Rule ${name} does not exist on EventBus default.`);
    }
    return rule;
  }

  /** Puts an event on the bus; returns its id. */
  put(event: NewEvent): string {
    const id = randomUUID();
    if (this.dropServiceEvents && event.source.startsWith('aws.')) return id;
    const complete = {
      version: '0',
      id,
      'detail-type': event['detail-type'],
      source: event.source,
      account: event.account,
      time: `${(event.time ?? new Date()).toISOString().slice(0, 19)}Z`,
      region: event.region,
      resources: event.resources ?? [],
      detail: event.detail,
    };
    for (const rule of this.#rules) {
      if (!rule.enabled || rule.region !== event.region || !matches(rule.pattern, complete)) continue;
      for (const target of rule.targets)
        this.#pace.after(
          event.source === 'aws.ec2' ? 'instanceEvent' : 'serviceEvent',
          () => void this.#invoke(rule, target, target.input ?? JSON.stringify(complete)),
        );
    }
    return id;
  }

  /** An event whose target does not let EventBridge in is lost. */
  async #invoke({ arn }: Rule, target: Target, payload: string): Promise<void> {
    const call = { action: 'lambda:InvokeFunction', resources: [target.arn] };
    if (await this.#access.may(serviceFor('events.amazonaws.com', arn), call)) {
      this.#functions.invokeAsync(target.arn, payload);
    }
  }
}
