/** Amazon CloudWatch Logs: reading the log files, and what hosts write there themselves. */
import * as z from 'zod';
import type { LogEvent, LogStore } from '../logs/log-store.ts';
import { AwsError } from '../protocols/aws-error.ts';
import { operation, page, type Service } from './service.ts';

const arn = (region: string, group: string) => `arn:aws:logs:${region}:000000000000:log-group:${group}`;

function missing(what: string): AwsError {
  return new AwsError('ResourceNotFoundException', `The specified log ${what} does not exist.`);
}

/** The parts of a text pattern that must all occur; patterns on JSON or with operators are refused. */
function patternTerms(pattern: string | undefined): string[] {
  if (pattern === undefined || pattern.trim() === '') return [];
  if (/^[{[%]|[?*]|(?:^|\s)-/.test(pattern)) {
    throw new AwsError(
      'InvalidParameterException',
      `filterPattern ${pattern} is not served by the local runtime, only words and "phrases"`,
    );
  }
  return [...pattern.matchAll(/"([^"]*)"|(\S+)/g)].map(([, phrase, word]) => phrase ?? word ?? '');
}

function within(event: LogEvent, start: number | undefined, end: number | undefined): boolean {
  return event.timestamp >= (start ?? 0) && event.timestamp <= (end ?? Number.POSITIVE_INFINITY);
}

/** The CloudWatch Logs API over the log files. */
export function logsService(logs: LogStore): Service {
  const limit = z.int().min(1).optional();
  const nextToken = z.string().optional();
  return {
    name: 'logs',
    protocol: 'json',
    operations: {
      DescribeLogGroups: operation(
        z.strictObject({ logGroupNamePrefix: z.string().optional(), limit, nextToken }),
        (input, { region }) => {
          const found = logs.groups().filter((name) => name.startsWith(input.logGroupNamePrefix ?? ''));
          const { items, nextToken: next } = page(found, input.limit, input.nextToken, 50);
          return {
            logGroups: items.map((name) => ({
              logGroupName: name,
              arn: `${arn(region, name)}:*`,
              logGroupArn: arn(region, name),
            })),
            nextToken: next,
          };
        },
      ),
      DescribeLogStreams: operation(
        z.strictObject({
          logGroupName: z.string(),
          logStreamNamePrefix: z.string().optional(),
          orderBy: z.enum(['LogStreamName', 'LastEventTime']).default('LogStreamName'),
          descending: z.boolean().default(false),
          limit,
          nextToken,
        }),
        (input, { region }) => {
          const streams = logs.streams(input.logGroupName);
          if (streams === undefined) throw missing('group');
          const found = streams.filter(({ name }) => name.startsWith(input.logStreamNamePrefix ?? ''));
          if (input.orderBy === 'LastEventTime') found.sort((a, b) => a.modified - b.modified);
          if (input.descending) found.reverse();
          const { items, nextToken: next } = page(found, input.limit, input.nextToken, 50);
          return {
            logStreams: items.map(({ name, bytes, created, modified }) => ({
              logStreamName: name,
              creationTime: created,
              firstEventTimestamp: created,
              lastEventTimestamp: modified,
              lastIngestionTime: modified,
              arn: `${arn(region, input.logGroupName)}:log-stream:${name}`,
              storedBytes: bytes,
            })),
            nextToken: next,
          };
        },
      ),
      GetLogEvents: operation(
        z.strictObject({
          logGroupName: z.string(),
          logStreamName: z.string(),
          startTime: z.int().optional(),
          endTime: z.int().optional(),
          startFromHead: z.boolean().default(false),
          limit: z.int().min(1).max(10_000).default(10_000),
          nextToken,
        }),
        (input) => {
          const events = logs.events(input.logGroupName, input.logStreamName);
          if (events === undefined) throw missing(logs.streams(input.logGroupName) === undefined ? 'group' : 'stream');
          const found = events.filter((event) => within(event, input.startTime, input.endTime));
          // Tokens are positions: `f/10` goes on from event 10, `b/10` ends before it.
          const [direction, position] = (input.nextToken ?? '').split('/');
          const at = Number(position);
          let start = input.startFromHead ? 0 : Math.max(0, found.length - input.limit);
          if (direction === 'f') start = at;
          if (direction === 'b') start = Math.max(0, at - input.limit);
          const end = Math.min(found.length, direction === 'b' ? at : start + input.limit);
          return {
            events: found.slice(start, end).map((event) => ({ ...event, ingestionTime: event.timestamp })),
            nextForwardToken: `f/${end}`,
            nextBackwardToken: `b/${start}`,
          };
        },
      ),
      CreateLogStream: operation(
        z.strictObject({
          logGroupName: z.string(),
          logStreamName: z
            .string()
            .min(1)
            .max(512)
            .regex(/^[^:*]*$/),
        }),
        ({ logGroupName, logStreamName }) => {
          if (logs.streams(logGroupName) === undefined) throw missing('group');
          if (!logs.createStream(logGroupName, logStreamName)) {
            throw new AwsError('ResourceAlreadyExistsException', 'The specified log stream already exists');
          }
          return {};
        },
      ),
      PutLogEvents: operation(
        z.strictObject({
          logGroupName: z.string(),
          logStreamName: z.string(),
          logEvents: z
            .array(z.strictObject({ timestamp: z.int().min(0), message: z.string().min(1) }))
            .min(1)
            .max(10_000),
          sequenceToken: z.string().optional(),
        }),
        ({ logGroupName, logStreamName, logEvents }) => {
          const streams = logs.streams(logGroupName);
          if (streams === undefined) throw missing('group');
          if (!streams.some(({ name }) => name === logStreamName)) throw missing('stream');
          for (const { timestamp, message } of logEvents) {
            logs.append(logGroupName, logStreamName, message.split('\n'), timestamp);
          }
          // Ignored by whoever gets it, since 2023; answered all the same.
          return { nextSequenceToken: '0' };
        },
      ),
      FilterLogEvents: operation(
        z.strictObject({
          logGroupName: z.string(),
          logStreamNames: z.array(z.string()).optional(),
          logStreamNamePrefix: z.string().optional(),
          startTime: z.int().optional(),
          endTime: z.int().optional(),
          filterPattern: z.string().optional(),
          interleaved: z.boolean().optional(),
          limit: z.int().min(1).max(10_000).default(10_000),
          nextToken,
        }),
        (input) => {
          const streams = logs.streams(input.logGroupName);
          if (streams === undefined) throw missing('group');
          const terms = patternTerms(input.filterPattern);
          const found = streams
            .filter(({ name }) => input.logStreamNames === undefined || input.logStreamNames.includes(name))
            .filter(({ name }) => name.startsWith(input.logStreamNamePrefix ?? ''))
            .flatMap(({ name }) =>
              (logs.events(input.logGroupName, name) ?? []).map((event, index) => ({
                ...event,
                logStreamName: name,
                eventId: `${name}/${index}`,
              })),
            )
            .filter((event) => within(event, input.startTime, input.endTime))
            .filter(({ message }) => terms.every((term) => message.includes(term)))
            .sort((a, b) => a.timestamp - b.timestamp);
          const { items, nextToken: next } = page(found, input.limit, input.nextToken, 10_000);
          return {
            events: items.map((event) => ({ ...event, ingestionTime: event.timestamp })),
            searchedLogStreams: [],
            nextToken: next,
          };
        },
      ),
    },
  };
}
