import { Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** A resource of a policy with `*` in it, and why it cannot be narrower. */
export interface Wildcard {
  readonly resource: string;
  readonly reason: string;
}

/** Gives cdk-nag the reason for exactly this wildcard in the policies below `scope`; every other stays a finding. */
export function acknowledgeWildcard(scope: IConstruct, { resource, reason }: Wildcard): void {
  const resolved: unknown = Stack.of(scope).resolve(resource);
  Validations.of(scope).acknowledge({ id: `AwsSolutions-IAM5[Resource::${flat(resolved)}]`, reason });
}

/** A resource as cdk-nag prints it: references in angle brackets. */
function flat(value: unknown): string {
  if (typeof value === 'string') return value;
  const { Ref: ref, 'Fn::Join': join } = value as { Ref?: string; 'Fn::Join'?: [string, unknown[]] };
  if (join !== undefined) return join[1].map(flat).join(join[0]);
  if (ref !== undefined) return `<${ref}>`;
  throw new Error(`cannot name the resource ${JSON.stringify(value)}`);
}
