/**
 * How long AWS takes: the one table that `--latency aws`, the time limits' test and docs/aws-pace.md go by.
 *
 * `typical` is what an ordinary call takes, `slow` what one in a hundred does on a day without an outage. Where nobody
 * has published a figure, the entry says that it is a guess.
 */

/** One thing that AWS takes time for. */
export interface PaceEntry {
  readonly what: string;
  /** Milliseconds. */
  readonly typical: number;
  /** Milliseconds. */
  readonly slow: number;
  /** Where the figures come from. */
  readonly source: string;
  readonly guess: boolean;
}

function entry(what: string, typical: number, slow: number, source: string): PaceEntry {
  return { what, typical, slow, source, guess: false };
}

/** Figures that nobody has published, and what speaks for them. */
function guess(what: string, typical: number, slow: number, because: string): PaceEntry {
  return { what, typical, slow, source: because, guess: true };
}

const agentSource = 'https://github.com/aws/amazon-ssm-agent/blob/mainline';

export const awsPace = {
  commandDelivery: guess(
    'SSM: from SendCommand to the agent',
    600,
    4000,
    `A websocket brings the command at once; an agent without one polls, and pauses 2 to 2.5 s between two polls (${agentSource}/agent/runcommand/scheduler.go)`,
  ),
  commandStart: guess(
    'SSM: the agent starts its document worker, and that the script',
    500,
    2000,
    `A process and two channels of files (${agentSource}/agent/framework/processor/executer/outofproc)`,
  ),
  outputUpload: entry(
    'SSM: upload of the output, where it goes to CloudWatch Logs',
    2500,
    3000,
    `Measured with agent 3.3: 2 to 3 s; it looks once a second whether the upload has ended (${agentSource}/agent/framework/processor/executer/iohandler/iomodule/fileS3.go)`,
  ),
  commandReport: guess(
    'SSM: from the end of the script to the status of the command',
    300,
    1500,
    'One message back over the websocket, and its storage',
  ),
  interruptedReport: entry(
    'SSM: from the start of the agent to its report that a power cut has interrupted a command',
    61_000,
    61_000,
    'Measured with agent 3.3: Failed, exit code 1, no output',
  ),
  serviceEvent: entry(
    'EventBridge: from a change in a service to the invocation of a function',
    500,
    3000,
    'The bus: 500 ms in 2022 (https://github.com/davidkhala/aws-collection/wiki/EventBrige,-CloudWatch), improved in 2023 (https://medium.com/postnl-engineering/improved-eventbridge-latency-opens-up-new-use-cases-at-postnl-910fdf6b5dde); 80 ms at p90 in one system in 2026 (https://sysdesign-wiki.pages.dev/sources/2026-02-04-aws-amazon-key-eventbridge-event-driven-architecture/). What the service itself takes until it sends is not published: the slow time is a guess',
  ),
  instanceEvent: guess(
    'EC2: from a change of an instance’s state to the invocation of a function',
    1000,
    5000,
    'As any event, and EC2 sends it after the change',
  ),
  coldStart: entry(
    'Lambda: first call in a new environment, at 256 MB, beyond what the same call takes otherwise',
    700,
    2000,
    'Init of a 1 MB bundle 0.2 s (https://gist.github.com/adriantanasa/d9cb9f7313f985f180c0aec98e482f2b); the first call with AWS’s SDK and Powertools 1.3 s longer at 128 MB (https://kkloudtarus.net/en/blog/lambda-cold-start-optimization), half of that at twice the memory',
  ),
  coldStartInVpc: entry(
    'Lambda: the same of a function in a VPC, at 512 MB and without AWS’s SDK',
    500,
    2000,
    'A VPC has minimal effect since its interfaces are made beforehand (https://dev.to/kylehigginson/analysing-cold-starts-on-node-lambda-3i05)',
  ),
  warmCall: guess('Lambda: each call, beside the handler’s own work', 15, 100, 'One hop through the service'),
  idleEnvironment: guess(
    'Lambda: an environment that had no call for so long is gone',
    300_000,
    300_000,
    'AWS says that it differs; minutes are what people see (https://sasidhar.com/2019/11/02/aws-lambda-cold-start-issue-is-going-away-soon.html)',
  ),
  stateTransition: guess(
    'Step Functions: from one state to the next',
    40,
    200,
    'Standard workflows store each transition before the next; a workflow with one function ends within 0.5 s (https://taourl.com/read-2669880.html)',
  ),
  apiCall: guess(
    'Calls of AWS’s APIs from within the Region: Systems Manager, Step Functions, EC2, SNS, SQS, Secrets Manager',
    40,
    500,
    'Single to double-digit milliseconds in traces; repeats after throttling begin at 0.1 s',
  ),
  tableCall: entry(
    'DynamoDB: a read or a write of one item',
    8,
    50,
    'Single-digit milliseconds (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Introduction.html)',
  ),
  awsOnHost: guess(
    'AWS CLI on a host: its start, for each secret that a script reads',
    800,
    2500,
    'Python has to load it; the same on small instances takes twice as long',
  ),
  scheduleLateness: entry(
    'EventBridge Scheduler: how late it invokes',
    10_000,
    59_000,
    'Within the minute (https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html)',
  ),
  queueDelivery: guess(
    'SQS: from the time at which a message may be received to the invocation of a function',
    50,
    1000,
    'Lambda waits at the queue by long polling',
  ),
  mail: guess(
    'SNS: from Publish to the mail in the mailbox',
    3000,
    30_000,
    'SES takes a second or two, the receiving server as long as it likes',
  ),
  notification: guess(
    'SNS: from Publish to a call over HTTPS, a queue or a function',
    100,
    1000,
    'SNS itself takes tens of milliseconds',
  ),
  instanceStop: guess(
    'EC2: from a StopInstances that skips the operating system’s shutdown to `stopped`',
    20_000,
    120_000,
    'Not published for SkipOsShutdown; some instance types take longer than others (https://github.com/awsdocs/amazon-ec2-user-guide/pull/175)',
  ),
  instanceShutdown: entry(
    'EC2: the operating system’s shutdown before that, when it is not skipped',
    20_000,
    300_000,
    'A host that does not shut down cleanly within a few minutes is stopped hard (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Stop_Start.html)',
  ),
  instanceStart: entry(
    'EC2: from StartInstances to `running`',
    15_000,
    40_000,
    'Terraform saw a new instance run after 35 s (https://github.com/turbot/steampipe-plugin-aws/pull/344)',
  ),
  instanceBoot: entry(
    'A host: from `running` to services that start and an agent that pings',
    20_000,
    120_000,
    'Agents registered after more than 120 s once or twice a day in one fleet (https://github.com/CIROH-UA/ngen-datastream/pull/361)',
  ),
  pingLost: entry(
    'SSM: from a host’s last sign of life to ConnectionLost',
    300_000,
    600_000,
    `The agent reports its health every 5 minutes (DefaultSsmHealthFrequencyMinutes in ${agentSource}/agent/appconfig/constants.go)`,
  ),
} as const satisfies Record<string, PaceEntry>;

export type PaceKind = keyof typeof awsPace;
