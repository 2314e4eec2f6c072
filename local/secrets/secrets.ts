/** Secrets Manager's secrets: generated once as their template says, kept on disk with their previous version. */
import { randomInt, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { resourcesOf, type Stack } from '../assembly/load-assembly.ts';
import { AwsError } from '../protocols/aws-error.ts';

/** One version of a secret. */
export interface SecretVersion {
  readonly id: string;
  readonly secret: string;
  readonly created: string;
  readonly stages: readonly string[];
}

/** A secret as deployed. */
export interface Secret {
  readonly name: string;
  readonly arn: string;
  readonly region: string;
  readonly description: string;
  readonly created: Date;
  readonly versions: readonly SecretVersion[];
}

interface Generator {
  readonly PasswordLength?: number;
  readonly ExcludeCharacters?: string;
  readonly ExcludeLowercase?: boolean;
  readonly ExcludeUppercase?: boolean;
  readonly ExcludeNumbers?: boolean;
  readonly ExcludePunctuation?: boolean;
  readonly IncludeSpace?: boolean;
  readonly RequireEachIncludedType?: boolean;
  readonly SecretStringTemplate?: string;
  readonly GenerateStringKey?: string;
}

const characterTypes = {
  ExcludeLowercase: 'abcdefghijklmnopqrstuvwxyz',
  ExcludeUppercase: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  ExcludeNumbers: '0123456789',
  ExcludePunctuation: '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~',
} as const;

/** A random secret string as GenerateSecretString describes it. */
function generateSecret(generator: Generator): string {
  const excluded = generator.ExcludeCharacters ?? '';
  const types = (Object.keys(characterTypes) as (keyof typeof characterTypes)[])
    .filter((type) => generator[type] !== true)
    .map((type) => [...characterTypes[type]].filter((character) => !excluded.includes(character)))
    .concat(generator.IncludeSpace === true ? [[' ']] : [])
    .filter((characters) => characters.length > 0);
  const all = types.flat();
  const length = generator.PasswordLength ?? 32;
  const pick = (from: readonly string[]) => from[randomInt(from.length)] ?? '';
  let password: string;
  do {
    password = Array.from({ length }, () => pick(all)).join('');
  } while (
    generator.RequireEachIncludedType !== false &&
    length >= types.length &&
    !types.every((characters) => characters.some((character) => password.includes(character)))
  );
  const { SecretStringTemplate: template, GenerateStringKey: key } = generator;
  if (template === undefined || key === undefined) return password;
  return JSON.stringify({ ...(JSON.parse(template) as object), [key]: password });
}

/** All secrets of the assembly. */
export class Secrets {
  readonly #secrets = new Map<string, Secret>();
  readonly #directory: string;

  constructor(stacks: readonly Stack[], directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const { stack, resource } of resourcesOf(stacks, 'AWS::SecretsManager::Secret')) {
      const name = String(resource.properties.Name ?? resource.logicalId);
      const { SecretString: given, GenerateSecretString: generator } = resource.properties as {
        SecretString?: string;
        GenerateSecretString?: Generator;
      };
      const secret: Secret = {
        name,
        arn: resource.id,
        region: stack.region,
        description: String(resource.properties.Description ?? ''),
        created: new Date(),
        versions: this.#load(resource.id),
      };
      this.#secrets.set(secret.arn, secret);
      if (secret.versions.length === 0) this.#add(secret, given ?? generateSecret(generator ?? {}), randomUUID());
    }
  }

  #path(arn: string): string {
    const [region = '', , , name = ''] = arn.split(':').slice(3);
    return join(this.#directory, `${region}-${encodeURIComponent(name)}.json`);
  }

  #load(arn: string): readonly SecretVersion[] {
    const path = this.#path(arn);
    return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as SecretVersion[]) : [];
  }

  #add(secret: Secret, value: string, versionId: string): SecretVersion {
    const version: SecretVersion = {
      id: versionId,
      secret: value,
      created: new Date().toISOString(),
      stages: ['AWSCURRENT'],
    };
    // The current version becomes the previous one; what was previous has no stage left and is gone.
    const previous = secret.versions
      .filter(({ stages }) => stages.includes('AWSCURRENT'))
      .map((old) => ({ ...old, stages: ['AWSPREVIOUS'] }));
    const versions = [version, ...previous];
    const path = this.#path(secret.arn);
    writeFileSync(`${path}.new`, `${JSON.stringify(versions, undefined, 2)}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
    this.#secrets.set(secret.arn, { ...secret, versions });
    return version;
  }

  /** Secrets of a region, sorted by name. */
  list(region: string): Secret[] {
    return [...this.#secrets.values()]
      .filter((secret) => secret.region === region)
      .sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Finds a secret by name, ARN or ARN without its random end. */
  find(id: string, region: string): Secret {
    const found = this.list(region).find(({ name, arn }) => id === name || id === arn || id === arn.slice(0, -7));
    if (found === undefined) {
      throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
    }
    return found;
  }

  /** A version by id or stage; the current one by default. */
  version(secret: Secret, id: string | undefined, stage: string | undefined): SecretVersion {
    const found = secret.versions.find(
      (version) =>
        (id === undefined || version.id === id) &&
        (id !== undefined && stage === undefined ? true : version.stages.includes(stage ?? 'AWSCURRENT')),
    );
    if (found === undefined) {
      const what = id === undefined ? `staging label: ${stage ?? 'AWSCURRENT'}` : `VersionId: ${id}`;
      throw new AwsError(
        'ResourceNotFoundException',
        `Secrets Manager can't find the specified secret value for ${what}`,
      );
    }
    return found;
  }

  /** Puts a new current version; the same token with the same value is the same version. */
  put(secret: Secret, value: string, token: string): SecretVersion {
    const same = secret.versions.find(({ id }) => id === token);
    if (same === undefined) return this.#add(secret, value, token);
    if (same.secret !== value) {
      throw new AwsError('ResourceExistsException', `You can't modify an existing version: ${token}`);
    }
    return same;
  }
}
