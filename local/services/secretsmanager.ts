/** AWS Secrets Manager: reading and replacing secret strings. */
import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { AwsError } from '../protocols/aws-error.ts';
import type { Secret, Secrets } from '../secrets/secrets.ts';
import { operation, page, type Service } from './service.ts';

function describe(secret: Secret) {
  return {
    ARN: secret.arn,
    Name: secret.name,
    Description: secret.description,
    CreatedDate: secret.created,
    LastChangedDate: new Date(secret.versions[0]?.created ?? secret.created),
  };
}

const stagesOf = (secret: Secret) => Object.fromEntries(secret.versions.map(({ id, stages }) => [id, stages]));

/** The Secrets Manager API over the secrets of the assembly. */
export function secretsManagerService(secrets: Secrets): Service {
  const byId = z.strictObject({ SecretId: z.string() });
  return {
    name: 'secretsmanager',
    protocol: 'json',
    operations: {
      GetSecretValue: operation(
        z.strictObject({ SecretId: z.string(), VersionId: z.string().optional(), VersionStage: z.string().optional() }),
        ({ SecretId, VersionId, VersionStage }, { region }) => {
          const secret = secrets.find(SecretId, region);
          const version = secrets.version(secret, VersionId, VersionStage);
          return {
            ARN: secret.arn,
            Name: secret.name,
            VersionId: version.id,
            SecretString: version.secret,
            VersionStages: version.stages,
            CreatedDate: new Date(version.created),
          };
        },
      ),
      PutSecretValue: operation(
        z.strictObject({
          SecretId: z.string(),
          SecretString: z.string().min(1).max(65_536),
          ClientRequestToken: z.string().min(32).max(64).optional(),
          VersionStages: z.tuple([z.literal('AWSCURRENT')]).optional(),
        }),
        ({ SecretId, SecretString, ClientRequestToken }, { region }) => {
          const secret = secrets.find(SecretId, region);
          const version = secrets.put(secret, SecretString, ClientRequestToken ?? randomUUID());
          return { ARN: secret.arn, Name: secret.name, VersionId: version.id, VersionStages: version.stages };
        },
      ),
      DescribeSecret: operation(byId, ({ SecretId }, { region }) => {
        const secret = secrets.find(SecretId, region);
        return { ...describe(secret), VersionIdsToStages: stagesOf(secret) };
      }),
      ListSecrets: operation(
        z.strictObject({
          MaxResults: z.int().min(1).max(100).optional(),
          NextToken: z.string().optional(),
          Filters: z.array(z.strictObject({ Key: z.string(), Values: z.array(z.string()) })).optional(),
        }),
        ({ MaxResults, NextToken, Filters }, { region }) => {
          const found = secrets.list(region).filter((secret) =>
            (Filters ?? []).every(({ Key, Values }) => {
              if (Key === 'name') return Values.some((prefix) => secret.name.startsWith(prefix));
              throw new AwsError('InvalidParameterException', `The filter ${Key} is not served by the local runtime`);
            }),
          );
          const { items, nextToken } = page(found, MaxResults, NextToken, 100);
          return {
            SecretList: items.map((secret) => ({ ...describe(secret), SecretVersionsToStages: stagesOf(secret) })),
            NextToken: nextToken,
          };
        },
      ),
    },
  };
}
