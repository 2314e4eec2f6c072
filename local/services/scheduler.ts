/** Amazon EventBridge Scheduler: what schedules there are. */
import * as z from 'zod';
import type { Schedule, Schedules } from '../events/schedules.ts';
import { operation, page, type Service } from './service.ts';

const empty = z.strictObject({});

function summary(schedule: Schedule) {
  return {
    Arn: schedule.arn,
    Name: schedule.name,
    GroupName: 'default',
    State: schedule.enabled ? 'ENABLED' : 'DISABLED',
    CreationDate: schedule.created,
    LastModificationDate: schedule.created,
  };
}

/** The Scheduler API over the schedules of the assembly. */
export function schedulerService(schedules: Schedules): Service {
  return {
    name: 'scheduler',
    protocol: 'rest-json',
    routes: [
      { method: 'GET', path: '/schedules', operation: 'ListSchedules' },
      { method: 'GET', path: '/schedules/{Name}', operation: 'GetSchedule' },
    ],
    operations: {
      ListSchedules: operation(
        z.strictObject({
          values: empty,
          query: z.strictObject({
            ScheduleGroup: z.literal('default').optional(),
            NamePrefix: z.string().optional(),
            MaxResults: z.coerce.number().optional(),
            NextToken: z.string().optional(),
          }),
          headers: empty,
          body: z.string(),
        }),
        ({ query }, { region }) => {
          const found = schedules.list(region).filter(({ name }) => name.startsWith(query.NamePrefix ?? ''));
          const { items, nextToken } = page(found, query.MaxResults, query.NextToken, 100);
          return {
            Schedules: items.map((schedule) => ({ ...summary(schedule), Target: { Arn: schedule.target.arn } })),
            NextToken: nextToken,
          };
        },
      ),
      GetSchedule: operation(
        z.strictObject({
          values: z.strictObject({ Name: z.string() }),
          query: z.strictObject({ groupName: z.literal('default').optional() }),
          headers: empty,
          body: z.string(),
        }),
        ({ values }, { region }) => {
          const schedule = schedules.find(values.Name, region);
          const { arn, roleArn, input } = schedule.target;
          return {
            ...summary(schedule),
            Description: schedule.description,
            ScheduleExpression: schedule.expression,
            ScheduleExpressionTimezone: 'UTC',
            FlexibleTimeWindow: { Mode: 'OFF' },
            Target: { Arn: arn, RoleArn: roleArn, Input: input },
          };
        },
      ),
    },
  };
}
