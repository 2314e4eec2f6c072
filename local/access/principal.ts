/** Those who call AWS: people, roles that something has assumed, and AWS's own services. */
import { randomBytes } from 'node:crypto';
import type { Role } from './policy.ts';

/** Values that a request carries besides its own, by condition key; a list where the key has many. */
export type Context = Readonly<Record<string, string | readonly string[]>>;

/** A person with credentials of her own: may do everything, as an administrator may. */
interface Person {
  readonly kind: 'person';
  readonly account: string;
}

/** A role that a function, a state machine, a schedule or an instance has assumed. */
export interface RoleSession {
  readonly kind: 'role';
  readonly role: Role;
  /** Last part of the ARN of the session: the name of a function, the id of an instance. */
  readonly session: string;
  readonly context: Context;
}

/** A service that calls in its own name, for one of the account's resources. */
export interface AwsService {
  readonly kind: 'service';
  /** Such as `events.amazonaws.com`. */
  readonly name: string;
  readonly account: string;
  /** ARN of the resource on whose behalf it calls. */
  readonly source: string;
}

export type Principal = Person | RoleSession | AwsService;

/** A service principal that acts for a resource. */
export function serviceFor(name: string, source: string): AwsService {
  return { kind: 'service', name, source, account: source.split(':')[4] ?? '' };
}

/** How AWS names a caller in its messages. */
export function nameOf(principal: Principal): string {
  switch (principal.kind) {
    case 'person':
      return `arn:aws:iam::${principal.account}:user/local`;
    case 'role':
      return `arn:aws:sts::${principal.role.account}:assumed-role/${principal.role.name}/${principal.session}`;
    case 'service':
      return principal.name;
  }
}

/** Begins the access keys that the runtime itself has issued: no person has one like it. */
const issuedPrefix = 'LOCALRUNTIME';

/** Such a key belongs to an instance: see {@link AccessKeys.enrol}. */
export const isInstanceId = (accessKeyId: string): boolean => /^m?i-[0-9a-f]+$/.test(accessKeyId);

/** Credentials of a role session, as AWS puts them into a function's environment. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

/** Whose an access key is. Signatures are not checked: the key alone tells. */
export class AccessKeys {
  readonly #sessions = new Map<string, RoleSession>();
  readonly #account: string;

  /** @param account of the people whose keys the runtime has not issued */
  constructor(account: string) {
    this.#account = account;
  }

  /** Credentials for a session. */
  issue(session: RoleSession): Credentials {
    const accessKeyId = `${issuedPrefix}${randomBytes(10).toString('hex').toUpperCase()}`;
    this.#sessions.set(accessKeyId, session);
    return { accessKeyId, secretAccessKey: 'local', sessionToken: 'local' };
  }

  /**
   * Makes the id of an instance a key of its role: what runs on a host gets its credentials from the instance, whose
   * id it knows.
   */
  enrol(instanceId: string, session: RoleSession): void {
    this.#sessions.set(instanceId, session);
  }

  /** Whose the key is; undefined for a key that looks like an issued one and is not. */
  holder(accessKeyId: string): Principal | undefined {
    const session = this.#sessions.get(accessKeyId);
    if (session !== undefined) return session;
    const looksIssued = accessKeyId.startsWith(issuedPrefix) || isInstanceId(accessKeyId);
    return looksIssued ? undefined : { kind: 'person', account: this.#account };
  }
}
