/**
 * The policies of the assembly, put together as CloudFormation attaches them: those of each role, those of each
 * resource, and who may assume which role. What the runtime could only misjudge is refused when it is loaded.
 */
import {
  type ValidationError,
  validateIdentityPolicy,
  validateResourcePolicy,
  validateTrustPolicy,
} from '@cloud-copilot/iam-policy';
import { type Resource, resourcesOf, type Stack } from '../assembly/load-assembly.ts';
import { awsManagedPolicies } from './aws-managed-policies.ts';
import type { AllPolicies, NamedPolicy, PolicyDocument, Role, Statement } from './policy.ts';

/** Condition keys whose values the runtime knows. A policy with another one is refused. */
const knownKeys = new Set(
  [
    'aws:PrincipalAccount',
    'aws:PrincipalArn',
    'aws:PrincipalIsAWSService',
    'aws:PrincipalServiceName',
    'aws:RequestedRegion',
    'aws:ResourceAccount',
    'aws:SecureTransport',
    'aws:SourceAccount',
    'aws:SourceArn',
    'dynamodb:LeadingKeys',
    'lambda:SourceFunctionArn',
    'secretsmanager:SecretId',
  ].map((key) => key.toLowerCase()),
);

const list = (value: unknown): unknown[] => (value === undefined ? [] : Array.isArray(value) ? value : [value]);

/**
 * All resources of a service, written with a slash as Lambda's documentation does. The simulator lets no wildcard stand
 * for the kind of a resource, as the documentation of ARNs has it; AWS does.
 *
 * @see https://github.com/awsdocs/aws-lambda-developer-guide/commit/258fecc4e78d65e7b37d172cb6aa5bc2b5210011
 */
function withoutKind(resource: string): string {
  return resource.replace(/^(arn:[^:]*:[^:]*:[^:]*:[^:]*:)\*\/\*$/, '$1*');
}

function simulated(statement: Statement): Statement {
  const { Resource: resources } = statement;
  if (resources === undefined) return statement;
  return { ...statement, Resource: list(resources).map(String).map(withoutKind) };
}

/** A document as a template has it; refused where IAM would refuse it, or the runtime could only misjudge it. */
function document(value: unknown, where: string, validate: (policy: unknown) => ValidationError[]): PolicyDocument {
  const [problem] = validate(value);
  if (problem !== undefined) throw new Error(`${where}: not a valid policy: ${problem.path}: ${problem.message}`);
  const { Version, Statement: statements } = value as { Version?: string; Statement?: unknown };
  const parsed = list(statements) as Statement[];
  for (const { Condition: conditions = {} } of parsed) {
    for (const key of Object.values(conditions).flatMap((tests) => Object.keys(tests))) {
      if (!knownKeys.has(key.toLowerCase())) {
        throw new Error(`${where}: the condition key ${key} is not supported by the local runtime`);
      }
    }
  }
  return { ...(Version === undefined ? {} : { Version }), Statement: parsed.map(simulated) };
}

function awsManaged(arn: string, where: string): NamedPolicy {
  const name = /^arn:aws:iam::aws:policy\/(.+)$/.exec(arn)?.[1] ?? '';
  const known = Object.hasOwn(awsManagedPolicies, name) ? awsManagedPolicies[name] : undefined;
  if (known === undefined) throw new Error(`${where}: the policy ${arn} is not known to the local runtime`);
  return { name: arn, document: known };
}

/** A permission to invoke a function, as the statement of a resource policy that Lambda makes of it. */
function permissionStatement({ logicalId, properties }: Resource, functionArn: string): Statement {
  const { Action, FunctionName: _name, Principal, SourceArn, SourceAccount, ...unknown } = properties;
  if (Object.keys(unknown).length > 0) {
    throw new Error(`${logicalId}: ${Object.keys(unknown).join(', ')} is not supported by the local runtime`);
  }
  const principal = String(Principal);
  const conditions = {
    ...(SourceArn === undefined ? {} : { ArnLike: { 'aws:SourceArn': SourceArn } }),
    ...(SourceAccount === undefined ? {} : { StringEquals: { 'aws:SourceAccount': SourceAccount } }),
  };
  return {
    Effect: 'Allow',
    Principal: principal === '*' ? '*' : principal.endsWith('.com') ? { Service: principal } : { AWS: principal },
    Action: String(Action),
    Resource: functionArn,
    ...(Object.keys(conditions).length === 0 ? {} : { Condition: conditions }),
  };
}

/** Every policy of the assembly. */
export class Policies {
  readonly #roles = new Map<string, Role>();
  readonly #trust = new Map<string, PolicyDocument>();
  readonly #resources = new Map<string, Statement[]>();
  /** Policies of each stack that are for roles of others: attached to one that it names, or by people. */
  readonly #elsewhere = new Map<string, NamedPolicy[]>();

  constructor(stacks: readonly Stack[]) {
    for (const stack of stacks) {
      this.#addRoles(stack);
      this.#addCommands(stack);
    }
    this.#addResourcePolicies(stacks);
  }

  /** What people put into a role themselves, by the command that an output of the stack tells them. */
  #addCommands({ name, outputs }: Stack): void {
    for (const { key, value } of outputs) {
      const [, policyName = '', text] =
        /^aws iam put-role-policy .*--policy-name (\S+) --policy-document '([^']*)'$/.exec(value) ?? [];
      if (text === undefined) continue;
      const policy = { name: policyName, document: document(JSON.parse(text), key, validateIdentityPolicy) };
      this.#elsewhere.set(name, [...(this.#elsewhere.get(name) ?? []), policy]);
    }
  }

  #addRoles(stack: Stack): void {
    const attached = new Map<string, NamedPolicy[]>();
    const managed = new Map<string, NamedPolicy>();
    for (const { type, logicalId, id, properties } of stack.resources) {
      const isManaged = type === 'AWS::IAM::ManagedPolicy';
      if (!isManaged && type !== 'AWS::IAM::Policy' && type !== 'AWS::IAM::RolePolicy') continue;
      const policy = {
        name: logicalId,
        document: document(properties.PolicyDocument, logicalId, validateIdentityPolicy),
      };
      if (isManaged) managed.set(id, policy);
      const roles = [...list(properties.Roles), ...list(properties.RoleName)].map(String);
      const isOwn = (name: string) =>
        stack.resources.some((role) => role.type === 'AWS::IAM::Role' && role.id === name);
      for (const name of roles.filter(isOwn)) attached.set(name, [...(attached.get(name) ?? []), policy]);
      if (roles.length === 0 || !roles.every(isOwn)) {
        this.#elsewhere.set(stack.name, [...(this.#elsewhere.get(stack.name) ?? []), policy]);
      }
    }
    for (const { type, logicalId, id, attributes, properties } of stack.resources) {
      if (type !== 'AWS::IAM::Role') continue;
      for (const unknown of ['PermissionsBoundary', 'Path'].filter((key) => (properties[key] ?? '/') !== '/')) {
        throw new Error(`Role ${logicalId}: ${unknown} is not supported by the local runtime`);
      }
      const inline = list(properties.Policies) as { PolicyName: string; PolicyDocument: unknown }[];
      const arn = attributes.Arn ?? '';
      this.#roles.set(arn, {
        arn,
        name: id,
        account: stack.account,
        policies: [
          ...inline.map(({ PolicyName, PolicyDocument: content }) => ({
            name: `${logicalId}/${PolicyName}`,
            document: document(content, logicalId, validateIdentityPolicy),
          })),
          ...(attached.get(id) ?? []),
          ...list(properties.ManagedPolicyArns).map(
            (policy) => managed.get(String(policy)) ?? awsManaged(String(policy), logicalId),
          ),
        ],
      });
      this.#trust.set(arn, document(properties.AssumeRolePolicyDocument, logicalId, validateTrustPolicy));
    }
  }

  #addResourcePolicies(stacks: readonly Stack[]): void {
    const add = (arn: string, statements: readonly Statement[]) =>
      this.#resources.set(arn, [...(this.#resources.get(arn) ?? []), ...statements]);
    const arnOf = (type: string, reference: unknown): string =>
      resourcesOf(stacks, type)
        .map(({ resource }) => resource)
        .find(({ id, attributes }) => [id, attributes.Arn].includes(String(reference)))?.attributes.Arn ?? '';
    for (const { resource } of resourcesOf(stacks, 'AWS::Lambda::Permission')) {
      const functionArn = arnOf('AWS::Lambda::Function', resource.properties.FunctionName);
      add(functionArn, [permissionStatement(resource, functionArn)]);
    }
    const documentOf = ({ properties, logicalId }: Resource, key: string) =>
      document(properties[key], logicalId, validateResourcePolicy).Statement;
    for (const { resource } of resourcesOf(stacks, 'AWS::SNS::TopicPolicy')) {
      for (const topic of list(resource.properties.Topics)) {
        add(arnOf('AWS::SNS::Topic', topic), documentOf(resource, 'PolicyDocument'));
      }
    }
    for (const { resource } of resourcesOf(stacks, 'AWS::SQS::QueuePolicy')) {
      for (const queue of list(resource.properties.Queues)) {
        add(arnOf('AWS::SQS::Queue', queue), documentOf(resource, 'PolicyDocument'));
      }
    }
    for (const { resource } of resourcesOf(stacks, 'AWS::SecretsManager::ResourcePolicy')) {
      const secret = arnOf('AWS::SecretsManager::Secret', resource.properties.SecretId);
      add(secret, documentOf(resource, 'ResourcePolicy'));
    }
  }

  /** A role of the assembly by its ARN. */
  role(arn: string): Role {
    const role = this.#roles.get(arn);
    if (role === undefined) throw new Error(`The role ${arn} is not part of the assembly`);
    return role;
  }

  /** The role of the instances that work with a stack: it has the policies that the stack makes for others. */
  instanceRole(stack: Stack): Role {
    const name = `${stack.name}-instances`;
    return {
      arn: `arn:aws:iam::${stack.account}:role/${name}`,
      name,
      account: stack.account,
      policies: this.#elsewhere.get(stack.name) ?? [],
    };
  }

  /** Every policy, to be kept. */
  all(stacks: readonly Stack[]): AllPolicies {
    const instances = stacks.map((stack) => this.instanceRole(stack));
    const ownArns = (stack: Stack) => [
      this.instanceRole(stack).arn,
      ...stack.resources.map(({ id, attributes }) => attributes.Arn ?? id),
    ];
    return {
      stacks: Object.fromEntries(stacks.flatMap((stack) => ownArns(stack).map((arn) => [arn, stack.name]))),
      roles: Object.fromEntries([...this.#roles.values(), ...instances].map(({ arn, policies }) => [arn, policies])),
      resources: Object.fromEntries(
        [...this.#trust.keys(), ...this.#resources.keys()].map((arn) => [arn, this.ofResource(arn)]),
      ) as AllPolicies['resources'],
    };
  }

  /** The policy of a resource, or who may assume a role; undefined when it has none. */
  ofResource(arn: string): PolicyDocument | undefined {
    const trust = this.#trust.get(arn);
    if (trust !== undefined) return trust;
    const statements = this.#resources.get(arn);
    return statements === undefined ? undefined : { Version: '2012-10-17', Statement: statements };
  }
}
