/** The parts of the documentation that are made from the contract, so that they never say something else. */
import { clustersJsonSchema } from '../lambdas/contract/cluster-config.ts';
import { errorMeanings } from '../lambdas/contract/errors.ts';
import { awsPace, type PaceEntry } from '../local/pace/aws-pace.ts';
import { functionCourses, margin, neededSeconds, slowSeconds, timeBudgets } from '../local/pace/time-budgets.ts';

const generated = '<!-- Written by `npm run reference` from lambdas/contract; change it there. -->';

/** `docs/errors.md`: every error name and when it is raised. */
export function errorReference(): string {
  const rows = Object.entries(errorMeanings).map(([name, meaning]) => `| \`${name}\` | ${meaning} |`);
  return `# Errors

${generated}

The \`error\` of a failed execution is one of these names; its \`cause\` says what was seen and what to do next. The names
are stable: you can match on them.

| error | when |
|---|---|
${rows.join('\n')}
`;
}

/** What this page needs of a JSON Schema. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly oneOf?: readonly Schema[];
}

/** Allowed values in a few words. */
function values(schema: Schema): string {
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(', ');
  if (schema.oneOf !== undefined) return schema.oneOf.map(variant).join(' or ');
  const largest = schema.maximum ?? Number.MAX_SAFE_INTEGER;
  if (schema.minimum !== undefined) {
    return largest === Number.MAX_SAFE_INTEGER
      ? `${schema.type}, ≥ ${schema.minimum}`
      : `${schema.type}, ${schema.minimum} to ${largest}`;
  }
  return schema.type ?? '';
}

/** One alternative of an object: `{ kind: pg_ctl }`. */
function variant({ properties = {} }: Schema): string {
  const fields = Object.entries(properties).map(([name, field]) => `${name}: ${field.const ?? field.type}`);
  return `\`{ ${fields.join(', ')} }\``;
}

/** Rows of all values below a schema, each with its path. */
function rows(schema: Schema, path: string, required: boolean): string[] {
  if (schema.type === 'array' && schema.items?.properties !== undefined)
    return rows(schema.items, `${path}[]`, required);
  if (schema.properties !== undefined) {
    return Object.entries(schema.properties).flatMap(([name, child]) =>
      rows(child, path === '' ? name : `${path}.${name}`, schema.required?.includes(name) ?? false),
    );
  }
  const fallback =
    schema.default === undefined ? (required ? 'required' : '') : `\`${JSON.stringify(schema.default)}\``;
  return [`| \`${path}\` | ${values(schema)} | ${fallback} | ${schema.description ?? ''} |`];
}

/** `docs/clusters-json.md`: every value of `clusters.json`. */
export function clustersReference(): string {
  const { items = {} } = clustersJsonSchema() as Schema;
  return `# clusters.json

${generated}

An array of clusters. What depends on the PostgreSQL version (such as \`wal_keep_segments\` or \`wal_keep_size\`) is
derived from \`majorVersion\` and configured nowhere.

| value | type | default | meaning |
|---|---|---|---|
${rows(items, '', true).join('\n')}
`;
}

/** `2.5 s`, `40 ms`, `5 min`. */
function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${milliseconds} ms`;
  return milliseconds < 120_000 ? `${milliseconds / 1000} s` : `${milliseconds / 60_000} min`;
}

const round = (seconds: number) => Math.round(seconds * 10) / 10;

/** `docs/aws-pace.md`: how long AWS takes, as the local runtime imitates it. */
export function paceReference(): string {
  const rows = Object.values<PaceEntry>(awsPace).map(
    ({ what, typical, slow, source, guess }) =>
      `| ${what} | ${duration(typical)} | ${duration(slow)} | ${guess ? `**A guess.** ${source}` : source} |`,
  );
  const limits = timeBudgets.map((budget) => {
    const { limit, within, fixedSeconds, course, seconds } = budget;
    const cells = [fixedSeconds, slowSeconds(course), neededSeconds(budget), seconds].map((each) => `${round(each)} s`);
    return `| ${[limit, within, ...cells].join(' | ')} |`;
  });
  const functions = Object.entries(functionCourses).map(
    ([name, course]) =>
      `| ${name} | ${round(neededSeconds(course))} s | ${round(course.fixedSeconds)} s of its own, ${round(slowSeconds(course.course))} s of AWS at its slowest |`,
  );
  return `# AWS's pace

<!-- Written by \`npm run reference\` from local/pace; change it there. -->

What takes time on AWS and next to none on one machine. \`--latency aws\` has the local runtime, the rehearsal and the benchmarks take the
typical times, \`--latency aws-slow\` the slow ones: what one call in a hundred takes on a day without an outage. None of this was
measured in an account of ours; where nobody has published a figure, the table says that it is a guess.

| what | typical | slow | source |
|---|---|---|---|
${rows.join('\n')}

## Time limits

Each limit holds what AWS's pace does not move (a script's own limits, a schedule's minute) and ${margin} times what AWS takes at its
slowest. \`test/infra/time-limits.test.ts\` compares them, also the timeout of every function and of every step.

| limit | what happens within it | fixed | AWS, slow | needed | limit |
|---|---|---|---|---|---|
${limits.join('\n')}

| function | needs | of that |
|---|---|---|
${functions.join('\n')}
`;
}
