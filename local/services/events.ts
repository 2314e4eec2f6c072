/** Amazon EventBridge: events and rules of the default bus. */
import * as z from 'zod';
import { localAccount } from '../assembly/load-assembly.ts';
import type { EventBus, Rule } from '../events/event-bus.ts';
import { operation, page, type Service } from './service.ts';

const defaultBus = z
  .string()
  .regex(/(?:^|\/)default$/, 'is not served by the local runtime, only default')
  .optional();

function describe(rule: Rule) {
  return {
    Name: rule.name,
    Arn: rule.arn,
    EventPattern: JSON.stringify(rule.pattern),
    State: rule.enabled ? 'ENABLED' : 'DISABLED',
    Description: rule.description,
    EventBusName: 'default',
  };
}

/** The EventBridge API over the rules of the assembly. */
export function eventsService(bus: EventBus): Service {
  const byName = z.strictObject({ Name: z.string(), EventBusName: defaultBus });
  const entry = z.strictObject({
    Time: z.number().optional(),
    Source: z.string(),
    Resources: z.array(z.string()).optional(),
    DetailType: z.string(),
    Detail: z.string(),
    EventBusName: defaultBus,
    TraceHeader: z.string().optional(),
  });
  const paging = { NextToken: z.string().optional(), Limit: z.int().min(1).max(100).optional() };
  return {
    name: 'events',
    protocol: 'json',
    operations: {
      PutEvents: operation(z.strictObject({ Entries: z.array(entry).min(1).max(10) }), ({ Entries }, { region }) => {
        const results = Entries.map((event) => {
          let detail: unknown;
          try {
            detail = JSON.parse(event.Detail);
          } catch {
            return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
          }
          if (event.Source.startsWith('aws.')) {
            return { ErrorCode: 'NotAuthorizedForSourceException', ErrorMessage: 'Not authorized for the source.' };
          }
          const EventId = bus.put({
            source: event.Source,
            'detail-type': event.DetailType,
            detail: detail as object,
            ...(event.Resources === undefined ? {} : { resources: event.Resources }),
            ...(event.Time === undefined ? {} : { time: new Date(event.Time * 1000) }),
            region,
            account: localAccount,
          });
          return { EventId };
        });
        return { FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length, Entries: results };
      }),
      ListRules: operation(
        z.strictObject({ NamePrefix: z.string().optional(), EventBusName: defaultBus, ...paging }),
        ({ NamePrefix, Limit, NextToken }, { region }) => {
          const found = bus.list(region).filter(({ name }) => name.startsWith(NamePrefix ?? ''));
          const { items, nextToken } = page(found, Limit, NextToken, 100);
          return { Rules: items.map(describe), NextToken: nextToken };
        },
      ),
      DescribeRule: operation(byName, ({ Name }, { region }) => describe(bus.find(Name, region))),
      ListTargetsByRule: operation(
        z.strictObject({ Rule: z.string(), EventBusName: defaultBus, ...paging }),
        ({ Rule: name }, { region }) => ({
          Targets: bus.find(name, region).targets.map(({ id, arn, input }) => ({ Id: id, Arn: arn, Input: input })),
        }),
      ),
      EnableRule: operation(byName, ({ Name }, { region }) => {
        bus.find(Name, region).enabled = true;
        return {};
      }),
      DisableRule: operation(byName, ({ Name }, { region }) => {
        bus.find(Name, region).enabled = false;
        return {};
      }),
    },
  };
}
