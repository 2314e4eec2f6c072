/**
 * Validates a cloud assembly before anybody deploys it: `node test/infra/validate-assembly.ts cdk.out`.
 *
 * - every template against CloudFormation's resource schemas and rules, warnings included;
 * - no text of a template is anything but ASCII, for CloudFormation gives the rest back as question marks
 *   (https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/814): a comparison with what is
 *   deployed then sees changes that are none, and an import is refused (https://github.com/aws/aws-cdk-cli/issues/1915);
 * - every state machine by asl-validator and by our own checks;
 * - no finding of cdk-nag is left in the assembly's report, and every one that was acknowledged has a reason.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { App, CloudFormationValidatePlugin } from 'aws-cdk-lib';
import { asText, readAssembly, resourcesOf, type StackArtifact } from './assembly.ts';
import { stateMachineProblems } from './state-machine-checks.ts';

/** Shorter than this, a reason says nothing. */
const shortestReason = 15;

/** The validator that aws-cdk-lib brings along; what it only warns of is a problem here. */
const validator = new CloudFormationValidatePlugin();

/** Every problem of the assembly in `directory`, each in a line; empty when it may be deployed. */
export function assemblyProblems(directory: string): string[] {
  if (!existsSync(join(directory, 'manifest.json'))) return [`${directory} is no cloud assembly: run cdk synth first`];
  const stacks = readAssembly(directory);
  if (stacks.length === 0) return [`${directory}: no stack`];
  return [
    ...templateProblems(stacks),
    ...stacks.flatMap((stack) => [...asciiProblems(stack), ...definitionProblems(stack), ...reasonProblems(stack)]),
    ...reportedProblems(directory),
  ];
}

function templateProblems(stacks: StackArtifact[]): string[] {
  const { violations } = validator.validate({
    appConstruct: new App(),
    templatePaths: stacks.map(({ templatePath }) => templatePath),
    stackTemplates: stacks.map(({ name, templatePath, account, region }) => ({
      stackConstructPath: name,
      templatePath,
      accountId: account,
      region,
    })),
  });
  return violations.flatMap(({ ruleName, description, violatingResources }) =>
    violatingResources.map(
      ({ resourceLogicalId, locations }) => `${ruleName} ${resourceLogicalId} ${locations.join(' ')}: ${description}`,
    ),
  );
}

/** Texts with anything but printable ASCII and line breaks. */
function asciiProblems({ name, template }: StackArtifact): string[] {
  return textsOf(template).flatMap(({ path, text }) => {
    const [foreign] = /[^\n\t -~]/u.exec(text) ?? [];
    return foreign === undefined ? [] : [`${name} ${path.join('.')}: "${foreign}" is not ASCII`];
  });
}

function textsOf(value: unknown, path: string[] = []): { path: string[]; text: string }[] {
  if (typeof value === 'string') return [{ path, text: value }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    { path: [...path, key], text: key },
    ...textsOf(inner, [...path, key]),
  ]);
}

function definitionProblems({ name, template }: StackArtifact): string[] {
  const machines = resourcesOf(template, 'AWS::StepFunctions::StateMachine');
  const problems = stateMachineProblems(
    machines.map(([, { Properties: properties }]) => asDefinition(properties.DefinitionString)),
  );
  return machines.flatMap(([id], index) => (problems[index] ?? []).map((problem) => `${name} ${id} ${problem}`));
}

/** A definition with values in place of its references, for asl-validator looks at ARNs. */
function asDefinition(definition: unknown): string {
  return asText(definition)
    .replaceAll('<AWS::Partition>', 'aws')
    .replace(/<[A-Za-z0-9]+\.Arn>/g, 'arn:aws:lambda:us-east-1:123456789012:function:name');
}

function reasonProblems({ acknowledgements }: StackArtifact): string[] {
  return acknowledgements
    .filter(({ reason }) => reason.length < shortestReason)
    .map(({ path, rule }) => `${path}: ${rule} is acknowledged without a reason`);
}

interface Report {
  readonly pluginReports: { violations: { ruleName: string; violatingConstructs?: { constructPath?: string }[] }[] }[];
}

/** What cdk-nag and the CDK's own annotations found while the assembly was synthesized. */
function reportedProblems(directory: string): string[] {
  const file = join(directory, 'validation-report.json');
  if (!existsSync(file)) return [`${file} is missing: cdk-nag has not run`];
  const { pluginReports } = JSON.parse(readFileSync(file, 'utf8')) as Report;
  return pluginReports.flatMap(({ violations }) =>
    violations.map(({ ruleName, violatingConstructs = [] }) =>
      [ruleName, ...violatingConstructs.map(({ constructPath }) => constructPath)].join(' '),
    ),
  );
}

if (import.meta.main) {
  const directory = resolve(process.argv[2] ?? 'cdk.out');
  const problems = assemblyProblems(directory);
  for (const problem of problems) console.error(problem);
  console.log(problems.length === 0 ? `${directory}: valid` : `${directory}: ${problems.length} problems`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
