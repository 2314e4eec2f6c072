/**
 * Documents are ASCII: nothing on the way to a host can make something else of them, nor on the way back through
 * CloudFormation, whose GetTemplate answers `?` for anything else
 * (https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/814).
 */
import { OperatorError } from '../../lambdas/contract/errors.ts';

/** @throws OperatorError InvalidDocument when a text of the content is anything but printable ASCII */
export function checkAscii(document: string, content: object): void {
  const [foreign] = /[^\n\t -~]/u.exec(textOf(content)) ?? [];
  if (foreign === undefined) return;
  const code = foreign.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
  throw new OperatorError(
    'InvalidDocument',
    `The document ${document} holds the character U+${code}: documents hold printable ASCII only.`,
    'Write it in ASCII where the character stands: in clusters.json, in the script, or in the text of the command.',
  );
}

/** Every text in a value, keys included. */
function textOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return `${value}`;
  return Object.entries(value)
    .map(([key, inner]) => `${key}\n${textOf(inner)}`)
    .join('\n');
}
