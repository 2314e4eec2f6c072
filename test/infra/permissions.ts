/** Who may do what, read from the policies of a template. */
import { asText, resourcesOf, type Template } from './assembly.ts';

/** One statement of a policy. */
export interface Permission {
  /** Logical id of the role, or of the managed policy, that has it. */
  readonly holder: string;
  readonly effect: 'Allow' | 'Deny';
  readonly actions: string[];
  /** Everything but these; empty in an ordinary statement. */
  readonly notActions: string[];
  readonly resources: string[];
  readonly condition: unknown;
}

interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action?: string | string[];
  readonly NotAction?: string | string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

type Document = { Statement: Statement[] };

/** Every statement of every role and managed policy of the template. */
export function permissions(template: Template): Permission[] {
  const inRoles = resourcesOf(template, 'AWS::IAM::Role').flatMap(([id, { Properties: role }]) => {
    const policies = (role.Policies ?? []) as { PolicyDocument: Document }[];
    return policies.flatMap((policy) => statements(id, policy.PolicyDocument));
  });
  const attached = resourcesOf(template, 'AWS::IAM::Policy').flatMap(([, { Properties: policy }]) =>
    (policy.Roles as ({ Ref: string } | string)[]).flatMap((role) =>
      statements(typeof role === 'string' ? role : role.Ref, policy.PolicyDocument as Document),
    ),
  );
  const managed = resourcesOf(template, 'AWS::IAM::ManagedPolicy').flatMap(([id, { Properties: policy }]) =>
    statements(id, policy.PolicyDocument as Document),
  );
  return [...inRoles, ...attached, ...managed];
}

function statements(holder: string, { Statement: list }: Document): Permission[] {
  return list.map((statement) => ({
    holder,
    effect: statement.Effect,
    actions: asList(statement.Action).map(asText),
    notActions: asList(statement.NotAction).map(asText),
    resources: asList(statement.Resource).map(asText),
    condition: statement.Condition,
  }));
}

const asList = (value: unknown): unknown[] => (value === undefined ? [] : Array.isArray(value) ? value : [value]);

/** What the function of this name may do, besides writing its own log. */
export function permissionsOfFunction(template: Template, functionName: string): Permission[] {
  const role = roleOfFunction(template, functionName);
  return permissions(template).filter(
    ({ holder, actions }) => holder === role && !actions.includes('logs:PutLogEvents'),
  );
}

/** Logical id of the role of the function of this name. */
export function roleOfFunction(template: Template, functionName: string): string {
  const [, found] = resourcesOf(template, 'AWS::Lambda::Function').find(
    ([, { Properties: properties }]) => properties.FunctionName === functionName,
  ) ?? [undefined, undefined];
  if (found === undefined) throw new Error(`no function ${functionName}`);
  return (found.Properties.Role as { 'Fn::GetAtt': [string, string] })['Fn::GetAtt'][0];
}

/** Names of the functions whose role has a permission that `matches`. */
export function functionsThat(template: Template, matches: (permission: Permission) => boolean): string[] {
  const holders = new Set(
    permissions(template)
      .filter(matches)
      .map(({ holder }) => holder),
  );
  return resourcesOf(template, 'AWS::Lambda::Function')
    .map(([, { Properties: properties }]) => properties.FunctionName as string)
    .filter((name) => holders.has(roleOfFunction(template, name)))
    .sort();
}
