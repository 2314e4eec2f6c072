/** IAM of the local runtime: every call that something makes with a role is put to the role's policies. */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Stack } from '../assembly/load-assembly.ts';
import type { Decision } from './decision.ts';
import { type Denial, evaluate } from './evaluate.ts';
import { Policies } from './policies.ts';
import { AccessKeys, type Context, nameOf, type Principal, type RoleSession } from './principal.ts';

/** What somebody wants to do. */
export interface Call {
  /** As policies name it, such as `ssm:SendCommand`. */
  readonly action: string;
  /** ARNs; all of them must be allowed. None for an action that knows no resources. */
  readonly resources: readonly string[];
  /** Values by condition key, beyond those that every request has. */
  readonly context?: Context;
  /** Of a call without resources, whose ARNs would tell. */
  readonly region?: string;
}

/** A call that no policy allows, or one forbids. */
export class AccessDenied extends Error {
  readonly action: string;

  constructor(principal: Principal, action: string, resource: string, why: string) {
    super(`User: ${nameOf(principal)} is not authorized to perform: ${action} on resource: ${resource} ${why}`);
    this.name = 'AccessDenied';
    this.action = action;
  }
}

/** Remembered decisions at most; execution ARNs would fill the memory otherwise. */
const mostRemembered = 10_000;

/** The values that IAM itself adds to each request. */
function globalContext(principal: Principal, resource: string, region: string): Context {
  const account = accountOf(principal);
  const caller: Context =
    principal.kind === 'service'
      ? {
          'aws:PrincipalIsAWSService': 'true',
          'aws:PrincipalServiceName': principal.name,
          'aws:SourceArn': principal.source,
          'aws:SourceAccount': account,
        }
      : {
          'aws:PrincipalIsAWSService': 'false',
          'aws:PrincipalAccount': account,
          'aws:PrincipalArn': principal.kind === 'role' ? principal.role.arn : nameOf(principal),
        };
  return {
    ...caller,
    'aws:ResourceAccount': accountIn(resource) ?? account,
    ...(region === '' ? {} : { 'aws:RequestedRegion': region }),
    // SDKs reach AWS over TLS, and this endpoint without only because it is on the same machine.
    'aws:SecureTransport': 'true',
  };
}

function accountOf(principal: Principal): string {
  return principal.kind === 'role' ? principal.role.account : principal.account;
}

const accountIn = (arn: string): string | undefined => arn.split(':')[4] || undefined;

/** Decides about calls, and keeps each decision. */
export class AccessControl {
  readonly policies: Policies;
  readonly keys: AccessKeys;
  readonly #say: (line: string) => void;
  readonly #decisions: number;
  #closed = false;
  readonly #remembered = new Map<string, Promise<Denial>>();
  readonly #told = new Set<string>();

  /**
   * @param directory gets the policies and, one a line, each decision that is not like an earlier one
   * @param say is told of a refusal that nobody else would hear of
   */
  constructor(stacks: readonly Stack[], account: string, directory: string, say: (line: string) => void) {
    this.policies = new Policies(stacks);
    this.keys = new AccessKeys(account);
    this.#say = say;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(join(directory, 'policies.json'), JSON.stringify(this.policies.all(stacks), undefined, 2));
    this.#decisions = openSync(join(directory, 'decisions.jsonl'), 'w');
  }

  /** A session of a role of the assembly. */
  session(roleArn: string, name: string, context: Context = {}): RoleSession {
    return { kind: 'role', role: this.policies.role(roleArn), session: name, context };
  }

  /** @throws AccessDenied naming the first resource that the caller may not do this to */
  async check(principal: Principal, call: Call): Promise<void> {
    if (principal.kind === 'person') return;
    for (const resource of call.resources.length === 0 ? ['*'] : call.resources) {
      const denial = await this.#decide(principal, call, resource);
      if (denial === undefined) continue;
      const [service = ''] = call.action.split(':');
      const anything = `arn:aws:${service}:${call.region ?? '*'}:${accountOf(principal)}:*`;
      throw new AccessDenied(principal, call.action, resource === '*' ? anything : resource, denial);
    }
  }

  /** For calls that AWS drops when they are refused: says so, and tells the caller to drop it too. */
  async may(principal: Principal, call: Call): Promise<boolean> {
    try {
      await this.check(principal, call);
      return true;
    } catch (error) {
      if (!(error instanceof AccessDenied)) throw error;
      if (!this.#told.has(error.message)) this.#say(`Refused: ${error.message}`);
      this.#told.add(error.message);
      return false;
    }
  }

  /** Keeps no more decisions: a call that is under way when the runtime ends may still be decided. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#decisions);
  }

  #decide(principal: Exclude<Principal, { kind: 'person' }>, call: Call, resource: string): Promise<Denial> {
    const region = call.region ?? resource.split(':')[3] ?? '';
    const context = {
      ...globalContext(principal, resource, region),
      ...(principal.kind === 'role' ? principal.context : {}),
      ...call.context,
    };
    const holder = principal.kind === 'role' ? principal.role.arn : principal.name;
    const key = JSON.stringify([holder, call.action, resource, context]);
    const known = this.#remembered.get(key);
    if (known !== undefined) return known;
    const decided = this.#evaluate(principal, { holder, action: call.action, resource, context });
    if (this.#remembered.size >= mostRemembered) this.#remembered.clear();
    this.#remembered.set(key, decided);
    return decided;
  }

  async #evaluate(
    principal: Exclude<Principal, { kind: 'person' }>,
    request: Pick<Decision, 'holder' | 'action' | 'resource' | 'context'>,
  ): Promise<Denial> {
    const { action, resource, context } = request;
    const decision = {
      ...request,
      principal: nameOf(principal),
      account: accountIn(resource) ?? accountOf(principal),
    };
    const denial = await evaluate(
      { principal: decision.principal, account: decision.account, action, resource, context },
      {
        identity: principal.kind === 'role' ? principal.role.policies : [],
        resource: this.policies.ofResource(resource),
      },
    );
    const line: Decision = { ...decision, ...(denial === undefined ? {} : { denial }) };
    if (!this.#closed) writeSync(this.#decisions, `${JSON.stringify(line)}\n`);
    return denial;
  }
}
