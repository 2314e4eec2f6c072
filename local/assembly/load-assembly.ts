/** Loads a synthesized cloud assembly (`cdk.out`): stacks, resources with every intrinsic resolved, assets. */
import { readFileSync } from 'node:fs';
import { join, resolve as resolvePath } from 'node:path';
import { pseudoParameters, resolve, type Scope } from './intrinsics.ts';
import { type Identity, type Properties, resourceType, type StackFacts, stackId } from './resource-types.ts';

/** A resource of a stack, resolved. */
export interface Resource {
  readonly logicalId: string;
  readonly type: string;
  readonly properties: Properties;
  /** Physical id: the value of `Ref`. */
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Exists by name only. */
  readonly inert: boolean;
}

/** An output of a stack. */
interface Output {
  readonly key: string;
  readonly value: string;
  readonly description?: string;
  readonly exportName?: string;
}

/** A stack of the assembly. */
export interface Stack extends StackFacts {
  readonly resources: readonly Resource[];
  readonly outputs: readonly Output[];
  readonly description?: string;
  readonly template: string;
  /** Path of an asset by the object key under which it would be uploaded. */
  readonly assets: ReadonlyMap<string, string>;
}

interface TemplateResource {
  readonly Type: string;
  readonly Properties?: Record<string, unknown>;
  readonly Condition?: string;
}

interface Template {
  readonly Description?: string;
  readonly Resources?: Record<string, TemplateResource>;
  readonly Parameters?: Record<string, { Default?: unknown }>;
  readonly Conditions?: Record<string, unknown>;
  readonly Mappings?: Record<string, Record<string, Record<string, unknown>>>;
  readonly Outputs?: Record<
    string,
    { Value: unknown; Description?: string; Export?: { Name: unknown }; Condition?: string }
  >;
}

interface Manifest {
  readonly artifacts?: Record<
    string,
    {
      type: string;
      environment?: string;
      properties?: { templateFile?: string; file?: string; stackName?: string };
      dependencies?: string[];
    }
  >;
}

const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

/** Account used where the stack does not name one. */
export const localAccount = '000000000000';

function loadAssets(directory: string, manifest: Manifest, names: readonly string[]): Map<string, string> {
  const assets = new Map<string, string>();
  for (const name of names) {
    const file = manifest.artifacts?.[name]?.properties?.file;
    if (manifest.artifacts?.[name]?.type !== 'cdk:asset-manifest' || file === undefined) continue;
    const content = json(join(directory, file)) as {
      files?: Record<string, { source: { path?: string }; destinations: Record<string, { objectKey: string }> }>;
      dockerImages?: Record<string, unknown>;
    };
    if (Object.keys(content.dockerImages ?? {}).length > 0) throw new Error(`${file}: docker images are not supported`);
    for (const { source, destinations } of Object.values(content.files ?? {})) {
      if (source.path === undefined) continue;
      for (const { objectKey } of Object.values(destinations)) assets.set(objectKey, join(directory, source.path));
    }
  }
  return assets;
}

/** Resolves the resources of one template lazily, so that they may refer to each other in any order. */
function resolveTemplate(template: Template, stack: StackFacts): Pick<Stack, 'resources' | 'outputs'> {
  const declared = template.Resources ?? {};
  const identities = new Map<string, Identity>();
  const underWay = new Set<string>();
  const scope: Scope = {
    pseudoParameters: pseudoParameters(stack),
    parameter: (name) => template.Parameters?.[name]?.Default,
    ref: (id) => (Object.hasOwn(declared, id) ? identify(id).ref : undefined),
    attribute(id, name) {
      if (!Object.hasOwn(declared, id)) throw new Error(`Fn::GetAtt ${id}.${name}: no such resource`);
      const value = identify(id).attributes[name];
      if (value === undefined) {
        throw new Error(
          `Fn::GetAtt ${id}.${name}: the local runtime does not know this attribute of ${declared[id]?.Type}`,
        );
      }
      return value;
    },
    condition(name) {
      const condition = template.Conditions?.[name];
      if (condition === undefined) throw new Error(`Condition ${name} is not defined`);
      return resolve(condition, scope) === true;
    },
    mapping(map, first, second) {
      const value = template.Mappings?.[map]?.[first]?.[second];
      if (value === undefined) throw new Error(`Fn::FindInMap: no ${map}.${first}.${second}`);
      return value;
    },
  };

  /** Names of a resource; only the properties that make its name are resolved, so that cycles do not arise. */
  function identify(logicalId: string): Identity {
    const known = identities.get(logicalId);
    if (known !== undefined) return known;
    const resource = declared[logicalId];
    const type = resource === undefined ? undefined : resourceType(resource.Type);
    if (resource === undefined || type === undefined) throw new Error(`${logicalId} has no known type`);
    if (underWay.has(logicalId)) throw new Error(`${logicalId} refers to itself`);
    underWay.add(logicalId);
    const naming = Object.fromEntries(
      Object.entries(resource.Properties ?? {}).filter(([key]) => /Name$|^TopicArn$|^VpcId$/.test(key)),
    );
    const identity = type.identify(logicalId, resolve(naming, scope) as Properties, stack);
    underWay.delete(logicalId);
    identities.set(logicalId, identity);
    return identity;
  }

  const problems: string[] = [];
  const resources: Resource[] = [];
  const present = Object.entries(declared).filter(
    ([, resource]) => resource.Condition === undefined || scope.condition(resource.Condition),
  );
  for (const [logicalId, resource] of present) {
    const type = resourceType(resource.Type);
    if (type === undefined) {
      problems.push(`${logicalId}: resource type ${resource.Type} is not supported by the local runtime`);
      continue;
    }
    try {
      const { ref, attributes } = identify(logicalId);
      const properties = resolve(resource.Properties ?? {}, scope) as Properties;
      resources.push({ logicalId, type: resource.Type, properties, id: ref, attributes, inert: type.kind === 'inert' });
    } catch (error) {
      problems.push(`${logicalId} (${resource.Type}): ${(error as Error).message}`);
    }
  }
  if (problems.length > 0) throw new Error(`Stack ${stack.name}:\n${problems.map((line) => `  ${line}`).join('\n')}`);
  const outputs = Object.entries(template.Outputs ?? {})
    .filter(([, output]) => output.Condition === undefined || scope.condition(output.Condition))
    .map(([key, output]): Output => {
      const name = output.Export === undefined ? undefined : String(resolve(output.Export.Name, scope));
      return {
        key,
        value: String(resolve(output.Value, scope)),
        ...(output.Description === undefined ? {} : { description: output.Description }),
        ...(name === undefined ? {} : { exportName: name }),
      };
    });
  return { resources, outputs };
}

/** Loads every stack of a cloud assembly; an error names each resource that the runtime cannot serve. */
export function loadAssembly(directory: string): Stack[] {
  const root = resolvePath(directory);
  const manifest = json(join(root, 'manifest.json')) as Manifest;
  const stacks: Stack[] = [];
  for (const [artifactId, artifact] of Object.entries(manifest.artifacts ?? {})) {
    if (artifact.type === 'cdk:cloud-assembly') {
      throw new Error(`${artifactId}: stages (nested assemblies) are not supported by the local runtime`);
    }
    if (artifact.type !== 'aws:cloudformation:stack') continue;
    const match = /^aws:\/\/([^/]+)\/([^/]+)$/.exec(artifact.environment ?? '');
    const region = match?.[2];
    if (region === undefined || region === 'unknown-region') {
      throw new Error(`Stack ${artifactId} names no region; the local runtime needs one`);
    }
    const account = match?.[1] === undefined || match[1] === 'unknown-account' ? localAccount : match[1];
    const name = artifact.properties?.stackName ?? artifactId;
    const facts: StackFacts = {
      name,
      account,
      region,
      id: `arn:aws:cloudformation:${region}:${account}:stack/${name}/${stackId}`,
    };
    const templateText = readFileSync(join(root, artifact.properties?.templateFile ?? ''), 'utf8');
    const template = JSON.parse(templateText) as Template;
    stacks.push({
      ...facts,
      ...resolveTemplate(template, facts),
      ...(template.Description === undefined ? {} : { description: template.Description }),
      template: templateText,
      assets: loadAssets(root, manifest, artifact.dependencies ?? []),
    });
  }
  if (stacks.length === 0) throw new Error(`${root} holds no stack`);
  return stacks;
}

/** The resources of one type in all stacks, with their stack. */
export function resourcesOf(stacks: readonly Stack[], ...types: string[]): { stack: Stack; resource: Resource }[] {
  return stacks.flatMap((stack) =>
    stack.resources.filter(({ type }) => types.includes(type)).map((resource) => ({ stack, resource })),
  );
}
