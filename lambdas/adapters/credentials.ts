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
