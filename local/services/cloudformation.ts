/** AWS CloudFormation: the stacks as if deployed, with their outputs and resources. */
import * as z from 'zod';
import type { Resource, Stack } from '../assembly/load-assembly.ts';
import { AwsError } from '../protocols/aws-error.ts';
import { operation, type Service } from './service.ts';

/** The CloudFormation API over the stacks of the assembly. */
export function cloudFormationService(stacks: readonly Stack[], started: Date): Service {
  const of = (region: string) => stacks.filter((stack) => stack.region === region);
  const find = (name: string, region: string): Stack => {
    const stack = of(region).find((candidate) => candidate.name === name || candidate.id === name);
    if (stack === undefined) throw new AwsError('ValidationError', `Stack with id ${name} does not exist`);
    return stack;
  };
  const describeResource = (resource: Resource) => ({
    LogicalResourceId: resource.logicalId,
    PhysicalResourceId: resource.id,
    ResourceType: resource.type,
    ResourceStatus: 'CREATE_COMPLETE',
  });
  const byName = z.strictObject({ StackName: z.string(), NextToken: z.string().optional() });
  return {
    name: 'cloudformation',
    protocol: 'query',
    namespace: 'http://cloudformation.amazonaws.com/doc/2010-05-15/',
    operations: {
      DescribeStacks: operation(
        z.strictObject({ StackName: z.string().optional(), NextToken: z.string().optional() }),
        ({ StackName }, { region }) => ({
          Stacks: (StackName === undefined ? of(region) : [find(StackName, region)]).map((stack) => ({
            StackId: stack.id,
            StackName: stack.name,
            Description: stack.description,
            CreationTime: started,
            StackStatus: 'CREATE_COMPLETE',
            Outputs: stack.outputs.map(({ key, value, description, exportName }) => ({
              OutputKey: key,
              OutputValue: value,
              Description: description,
              ExportName: exportName,
            })),
            Capabilities: ['CAPABILITY_NAMED_IAM'],
            Tags: [],
          })),
        }),
        'ValidationError',
      ),
      ListStacks: operation(
        z.strictObject({ StackStatusFilter: z.array(z.string()).optional(), NextToken: z.string().optional() }),
        ({ StackStatusFilter }, { region }) => ({
          StackSummaries: of(region)
            .filter(() => StackStatusFilter === undefined || StackStatusFilter.includes('CREATE_COMPLETE'))
            .map(({ id, name }) => ({
              StackId: id,
              StackName: name,
              CreationTime: started,
              StackStatus: 'CREATE_COMPLETE',
            })),
        }),
        'ValidationError',
      ),
      DescribeStackResources: operation(
        z.strictObject({ StackName: z.string(), LogicalResourceId: z.string().optional() }),
        ({ StackName, LogicalResourceId }, { region }) => {
          const { id, name, resources } = find(StackName, region);
          return {
            StackResources: resources
              .filter(({ logicalId }) => LogicalResourceId === undefined || logicalId === LogicalResourceId)
              .map((resource) => ({
                StackName: name,
                StackId: id,
                ...describeResource(resource),
                Timestamp: started,
              })),
          };
        },
        'ValidationError',
      ),
      ListStackResources: operation(
        byName,
        ({ StackName }, { region }) => ({
          StackResourceSummaries: find(StackName, region).resources.map((resource) => ({
            ...describeResource(resource),
            LastUpdatedTimestamp: started,
          })),
        }),
        'ValidationError',
      ),
      GetTemplate: operation(
        z.strictObject({ StackName: z.string(), TemplateStage: z.enum(['Original', 'Processed']).optional() }),
        ({ StackName }, { region }) => ({ TemplateBody: find(StackName, region).template }),
        'ValidationError',
      ),
    },
  };
}
