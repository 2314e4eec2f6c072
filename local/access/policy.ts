/** Policies as a template has them, with every intrinsic function resolved. */

/** A statement of a policy, resolved. */
export interface Statement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: unknown;
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly NotResource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** A policy document. */
export interface PolicyDocument {
  readonly Version?: string;
  readonly Statement: readonly Statement[];
}

/** A policy of a role. */
export interface NamedPolicy {
  readonly name: string;
  readonly document: PolicyDocument;
}

/** A role with all that is attached to it. */
export interface Role {
  readonly arn: string;
  readonly name: string;
  readonly account: string;
  readonly policies: readonly NamedPolicy[];
}

/** All policies of a runtime; `access/policies.json`. */
export interface AllPolicies {
  /** By ARN of the role. */
  readonly roles: Readonly<Record<string, readonly NamedPolicy[]>>;
  /** By ARN of the resource; of a role, who may assume it. */
  readonly resources: Readonly<Record<string, PolicyDocument>>;
  /** Name of the stack of each of these roles and resources. */
  readonly stacks: Readonly<Record<string, string>>;
}
