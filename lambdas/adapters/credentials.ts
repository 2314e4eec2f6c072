import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as z from 'zod';

const secretSchema = z.object({ username: z.string(), password: z.string() });
const client = new SecretsManagerClient({});

/** Reads user and password from a secret; never logged, never part of a runbook's payload. */
export async function readCredentials(secretId: string): Promise<{ user: string; password: string }> {
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
  const { username, password } = secretSchema.parse(JSON.parse(SecretString ?? '{}'));
  return { user: username, password };
}

/** Each read costs; a rotated password is read at once after the old one has been refused. */
const cacheMilliseconds = 10 * 60_000;

/** Credentials that are read again after some minutes, or when they turn out not to be right. */
export class CachedCredentials {
  readonly #secretId: string;
  #cached: { readonly credentials: { user: string; password: string }; readonly readAt: number } | null = null;

  constructor(secretId: string) {
    this.#secretId = secretId;
  }

  async read(): Promise<{ user: string; password: string }> {
    if (this.#cached === null || Date.now() - this.#cached.readAt > cacheMilliseconds) {
      this.#cached = { credentials: await readCredentials(this.#secretId), readAt: Date.now() };
    }
    return this.#cached.credentials;
  }

  /** The credentials were refused: the next read asks again. */
  forget(): void {
    this.#cached = null;
  }
}
