/**
 * Which permissions are needed: a permission is superfluous when every call that was made would be allowed without it.
 * Told from what local runtimes keep of their decisions, by putting the calls to the policies less one permission.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Decision } from '../../local/access/decision.ts';
import { evaluate } from '../../local/access/evaluate.ts';
import type { AllPolicies, NamedPolicy, PolicyDocument, Statement } from '../../local/access/policy.ts';

/** What one runtime has kept. */
export interface KeptDecisions {
  readonly policies: AllPolicies;
  readonly decisions: readonly Decision[];
}

/** Reads what a runtime has kept in its directory `access`; undefined when it ended before it decided anything. */
export function readDecisions(directory: string): KeptDecisions | undefined {
  const lines = join(directory, 'decisions.jsonl');
  if (!existsSync(lines)) return undefined;
  return {
    policies: JSON.parse(readFileSync(join(directory, 'policies.json'), 'utf8')) as AllPolicies,
    decisions: readFileSync(lines, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Decision),
  };
}

/** A permission that could be taken away: an action or a resource of a statement, or a source that is let in. */
interface Permission {
  /** For people; the same in every cluster. */
  readonly name: string;
  /** Actions of the statement, in small letters. */
  readonly actions: readonly string[];
  /** The policies without it. */
  readonly without: { readonly identity: readonly NamedPolicy[]; readonly resource: PolicyDocument | undefined };
}

const list = <T>(value: T | readonly T[] | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value as T];

/** Leaves out account, Region and what else differs from cluster to cluster. */
function general(text: string, stack: string): string {
  return text
    .replace(/^arn:aws:([^:]*):[^:]*:[^:]*:/, '$1:')
    .replace(new RegExp(`\\b${stack}\\b`, 'g'), 'CLUSTER')
    .replace(/\bi-[0-9a-f]{8,17}\b/, 'INSTANCE')
    .replace(/-[0-9a-f]{6}$/, '')
    .replace(/-[0-9A-F]{12}$/, '');
}

/** A statement less one action and less one resource at a time; what has nothing left of either is gone as a whole. */
function lessOne(statement: Statement, stack: string): { name: string; left: Statement | undefined }[] {
  const actions = list(statement.Action);
  const resources = list(statement.Resource);
  const sources = Object.entries(statement.Condition ?? {}).flatMap(([operator, tests]) =>
    Object.entries(tests).flatMap(([key, values]) =>
      list(values as string | string[]).map((value) => ({ operator, key, value })),
    ),
  );
  const all = actions.join(', ');
  return [
    ...actions.map((action) => {
      const others = actions.filter((other) => other !== action);
      return { name: action, left: others.length === 0 ? undefined : { ...statement, Action: others } };
    }),
    ...resources.map((resource) => {
      const others = resources.filter((other) => other !== resource);
      const name = `${all} on ${general(resource, stack)}`;
      return { name, left: others.length === 0 ? undefined : { ...statement, Resource: others } };
    }),
    // Of a single source nothing is left to compare with.
    ...sources.flatMap(({ operator, key, value }) => {
      const tests = statement.Condition?.[operator] ?? {};
      const others = list(tests[key] as string | string[]).filter((other) => other !== value);
      if (others.length === 0) return [];
      const condition = { ...statement.Condition, [operator]: { ...tests, [key]: others } };
      return [{ name: `${all} for ${general(value, stack)}`, left: { ...statement, Condition: condition } }];
    }),
  ];
}

/** The document with another statement, or none, in a place. */
function replaced(document: PolicyDocument, place: number, left: Statement | undefined): PolicyDocument {
  return {
    ...document,
    Statement: document.Statement.flatMap((statement, index) => (index === place ? (left ?? []) : [statement])),
  };
}

const actionsOf = ({ Action }: Statement) => list(Action).map((action) => action.toLowerCase());

/** Every permission that a role has. */
function permissionsOfRole(policies: readonly NamedPolicy[], stack: string): Permission[] {
  return policies.flatMap(({ name: policy, document }, which) =>
    document.Statement.flatMap((statement, place) =>
      statement.Effect !== 'Allow'
        ? []
        : lessOne(statement, stack).map(({ name, left }) => ({
            name: `${general(policy, stack)}: ${name}`,
            actions: actionsOf(statement),
            without: {
              identity: policies.map((other, index) =>
                index === which ? { ...other, document: replaced(document, place, left) } : other,
              ),
              resource: undefined,
            },
          })),
    ),
  );
}

/** Everybody who is let in by a resource. */
function permissionsOnResource(arn: string, document: PolicyDocument, stack: string): Permission[] {
  return document.Statement.flatMap((statement, place) =>
    statement.Effect !== 'Allow'
      ? []
      : lessOne(statement, stack).map(({ name, left }) => ({
          name: `${general(arn, stack)}: ${JSON.stringify(statement.Principal)} ${name}`,
          actions: actionsOf(statement),
          without: { identity: [], resource: replaced(document, place, left) },
        })),
  );
}

async function isRefused(decision: Decision, { without }: Permission, policies: AllPolicies): Promise<boolean> {
  const resource = without.resource ?? policies.resources[decision.resource];
  const request = { ...decision, principal: decision.principal };
  return (await evaluate(request, { identity: without.identity, resource })) !== undefined;
}

/** Keeps account of the permissions of many runtimes. */
export class NeededPermissions {
  readonly #needed = new Set<string>();
  readonly #all = new Set<string>();

  /** Takes the decisions of one runtime into account. */
  async add({ policies, decisions }: KeptDecisions): Promise<void> {
    const allowed = decisions.filter(({ denial }) => denial === undefined);
    for (const [arn, ofRole] of Object.entries(policies.roles)) {
      const ofHolder = allowed.filter(({ holder }) => holder === arn);
      await this.#take(permissionsOfRole(ofRole, policies.stacks[arn] ?? ''), ofHolder, policies);
    }
    for (const [arn, document] of Object.entries(policies.resources)) {
      const onResource = allowed.filter(({ resource, holder }) => resource === arn && !holder.startsWith('arn:'));
      await this.#take(permissionsOnResource(arn, document, policies.stacks[arn] ?? ''), onResource, policies);
    }
  }

  async #take(permissions: readonly Permission[], calls: readonly Decision[], policies: AllPolicies): Promise<void> {
    for (const permission of permissions) {
      this.#all.add(permission.name);
      if (this.#needed.has(permission.name)) continue;
      for (const call of calls) {
        if (!permission.actions.includes(call.action.toLowerCase())) continue;
        if (!(await isRefused(call, permission, policies))) continue;
        this.#needed.add(permission.name);
        break;
      }
    }
  }

  /** Permissions without which every call would have been allowed, sorted. */
  get superfluous(): string[] {
    return [...this.#all].filter((name) => !this.#needed.has(name)).sort();
  }
}
