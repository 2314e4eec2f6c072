/** The SQS queues of the assembly. */
import { resourcesOf, type Stack } from '../assembly/load-assembly.ts';
import { AwsError } from '../protocols/aws-error.ts';
import { Queue } from './queue.ts';

/** Properties without an effect here: how messages are encrypted, and tags. */
const inertProperties = ['SqsManagedSseEnabled', 'KmsMasterKeyId', 'KmsDataKeyReusePeriodSeconds', 'Tags'];

/** All queues. */
export class Queues {
  readonly #queues: Queue[];

  constructor(stacks: readonly Stack[]) {
    this.#queues = resourcesOf(stacks, 'AWS::SQS::Queue').map(({ stack, resource }) => {
      const {
        QueueName: _name,
        DelaySeconds = 0,
        MessageRetentionPeriod = 345_600,
        VisibilityTimeout = 30,
        ReceiveMessageWaitTimeSeconds = 0,
        MaximumMessageSize = 1_048_576,
        ...rest
      } = resource.properties;
      const unknown = Object.keys(rest).filter((key) => !inertProperties.includes(key));
      if (unknown.length > 0) {
        throw new Error(`Queue ${resource.logicalId}: ${unknown.join(', ')} is not supported by the local runtime`);
      }
      return new Queue({
        name: resource.attributes.QueueName ?? '',
        arn: resource.attributes.Arn ?? '',
        url: resource.id,
        region: stack.region,
        account: stack.account,
        delaySeconds: Number(DelaySeconds),
        retentionSeconds: Number(MessageRetentionPeriod),
        visibilitySeconds: Number(VisibilityTimeout),
        waitSeconds: Number(ReceiveMessageWaitTimeSeconds),
        mostBytes: Number(MaximumMessageSize),
        created: new Date(),
      });
    });
  }

  /** Queues of a region, sorted by name. */
  list(region: string): Queue[] {
    return this.#queues
      .filter(({ facts }) => facts.region === region)
      .sort((a, b) => a.facts.name.localeCompare(b.facts.name));
  }

  /** Finds a queue by its ARN; undefined when there is none. */
  byArn(arn: string): Queue | undefined {
    return this.#queues.find(({ facts }) => facts.arn === arn);
  }

  /** Finds a queue by its name. */
  byName(name: string, region: string): Queue {
    const queue = this.list(region).find(({ facts }) => facts.name === name);
    if (queue === undefined) throw new AwsError('QueueDoesNotExist', 'The specified queue does not exist.');
    return queue;
  }

  /** Finds a queue by its URL: account and name count, whatever the host. */
  byUrl(url: string, region: string): Queue {
    const [, account, name] = /\/(\d{12})\/([A-Za-z0-9_-]{1,80})$/.exec(url) ?? [];
    if (name === undefined) throw new AwsError('InvalidAddress', `The address ${url} is not valid for this endpoint.`);
    const queue = this.byName(name, region);
    if (queue.facts.account !== account) {
      throw new AwsError('QueueDoesNotExist', 'The specified queue does not exist.');
    }
    return queue;
  }
}
