/** A template as the record of a release keeps it: everything that tells what an update would do, and no more. */
import { createHash } from 'node:crypto';
import type { Template } from './assembly.ts';

/** A value of more characters than this is kept as its hash: that it has changed is all that is asked of it. */
const longest = 500;

/** What a release holds of a stack. */
export interface CompactTemplate {
  readonly Resources: Record<string, CompactResource>;
}

export interface CompactResource {
  readonly Type: string;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly Properties: Record<string, unknown>;
}

/**
 * Long values (scripts, definitions, policies) become hashes. The code of functions is left out: it changes with
 * every commit and is never a reason to replace a function.
 */
export function compactTemplate(template: Template): CompactTemplate {
  const resources = Object.entries(template.Resources).map(([id, resource]): [string, CompactResource] => {
    const { Type, DeletionPolicy, UpdateReplacePolicy, Properties = {} } = resource;
    const properties = Object.entries(Properties)
      .filter(([name]) => !(Type === 'AWS::Lambda::Function' && name === 'Code'))
      .map(([name, value]) => [name, shortened(value)]);
    return [
      id,
      {
        Type,
        ...(DeletionPolicy !== undefined && { DeletionPolicy }),
        ...(UpdateReplacePolicy !== undefined && { UpdateReplacePolicy }),
        Properties: Object.fromEntries(properties),
      },
    ];
  });
  return { Resources: Object.fromEntries(resources) };
}

function shortened(value: unknown): unknown {
  const text = JSON.stringify(value);
  return text.length <= longest ? value : `sha256:${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}
