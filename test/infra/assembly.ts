/** Reads a cloud assembly (`cdk.out`) as it would be deployed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

export interface Template {
  readonly Resources: Record<string, Resource>;
  readonly Outputs: Record<string, { Description: string; Value: unknown }>;
}

/** One stack of an assembly. */
export interface StackArtifact {
  readonly name: string;
  readonly templatePath: string;
  readonly template: Template;
  readonly region: string;
  readonly account: string | undefined;
  /** Findings of validators that somebody gave a reason for: construct path, rule, reason. */
  readonly acknowledgements: { path: string; rule: string; reason: string }[];
}

interface Manifest {
  readonly artifacts: Record<
    string,
    { type: string; environment?: string; properties: { templateFile: string }; additionalMetadataFile?: string }
  >;
}

/** All stacks of the assembly in `directory`. */
export function readAssembly(directory: string): StackArtifact[] {
  const json = (file: string): unknown => JSON.parse(readFileSync(join(directory, file), 'utf8'));
  const { artifacts } = json('manifest.json') as Manifest;
  return Object.entries(artifacts).flatMap(([name, artifact]) => {
    if (artifact.type !== 'aws:cloudformation:stack') return [];
    const [, account, region] = /^aws:\/\/([^/]+)\/(.+)$/.exec(artifact.environment ?? '') ?? [];
    if (region === undefined) throw new Error(`stack ${name} has no environment`);
    const file = artifact.properties.templateFile;
    return {
      name,
      templatePath: join(directory, file),
      template: json(file) as Template,
      region,
      account: account === 'unknown-account' ? undefined : account,
      acknowledgements: acknowledgements(json(artifact.additionalMetadataFile ?? `${name}.metadata.json`)),
    };
  });
}

function acknowledgements(metadata: unknown): StackArtifact['acknowledgements'] {
  const byPath = Object.entries(metadata as Record<string, { type: string; data: unknown }[]>);
  return byPath.flatMap(([path, entries]) =>
    entries
      .filter(({ type }) => type === 'aws:cdk:acknowledged-rules')
      .flatMap(({ data }) => Object.entries(data as Record<string, string>))
      .map(([rule, reason]) => ({ path, rule: rule.replace('Annotation::', ''), reason })),
  );
}

/** Resources of one type, by logical id. */
export function resourcesOf(template: Template, type: string): [string, Resource][] {
  return Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);
}

/**
 * A property as one string, such as an ARN or a state machine's definition: joins are joined, a reference becomes
 * the logical id or pseudo parameter in angle brackets.
 */
export function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  const {
    Ref: ref,
    'Fn::GetAtt': attribute,
    'Fn::Join': join,
  } = value as { Ref?: string; 'Fn::GetAtt'?: [string, string]; 'Fn::Join'?: [string, unknown[]] };
  if (ref !== undefined) return `<${ref}>`;
  if (attribute !== undefined) return `<${attribute.join('.')}>`;
  if (join !== undefined) return join[1].map(asText).join(join[0]);
  throw new Error(`not a text: ${JSON.stringify(value)}`);
}
