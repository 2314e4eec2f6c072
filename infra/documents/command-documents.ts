/**
 * The SSM command documents: one per node command, each with its whole script inside.
 *
 * A script is `scripts/<command>.sh`; a line `. lib/<name>.sh` in it stands for that file.
 */
import { readFileSync } from 'node:fs';
import type { Cluster } from '../../lambdas/contract/cluster-config.ts';
import { resourceNames } from '../../lambdas/contract/names.ts';
import {
  type CommandParameter,
  commonParameters,
  emptyValue,
  type NodeCommandName,
  nodeCommandNames,
  nodeCommands,
  nodesPlaceholder,
} from '../../lambdas/contract/node-commands.ts';
import { checkAllowedPatterns } from './allowed-patterns.ts';
import { checkAscii } from './ascii.ts';
import { clusterLayout, type DeploymentFacts, quoted } from './cluster-layout.ts';
import { fittingContents } from './packing.ts';
import { withoutUnusedFunctions } from './used-functions.ts';

export type { DeploymentFacts } from './cluster-layout.ts';

/** An SSM document, ready for `AWS::SSM::Document` with `DocumentType: Command`. */
export interface CommandDocument {
  readonly name: string;
  readonly command: NodeCommandName;
  readonly content: object;
}

/** Largest document that SSM takes, in bytes. */
export const documentSizeLimit = 64 * 1024;

const parametersOf = (command: NodeCommandName): Record<string, CommandParameter> => ({
  ...commonParameters,
  ...nodeCommands[command].parameters,
});

/** `TaskToken` as a variable of the script: `TASK_TOKEN`. */
const variableName = (parameter: string): string => parameter.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();

const readScript = (path: string): string[] =>
  readFileSync(new URL(`scripts/${path}`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');

/** The lines of a script with each library that it names in its place. */
const withLibraries = (path: string): string[] =>
  readScript(path).flatMap((line) => {
    const library = /^\. (lib\/[a-z-]+\.sh)$/.exec(line)?.[1];
    return library === undefined ? [line] : [...readScript(library), ''];
  });

/** Comments and indentation are for the source: without them the largest cluster's scripts fit into a document. */
const withoutComments = (lines: string[]): string[] =>
  lines.filter((line) => !/^\s*(?:#|$)/.test(line)).map((line) => line.replace(/^ +/, ''));

/**
 * The script of a command as the host runs it, `{{ Parameter }}` still in place.
 * The agent puts the parameters' text there, so they stand in quotes that no allowedPattern lets through, and nowhere
 * else. Comments, and functions that the command does not use, are left out unless asked for.
 */
export function commandScript(
  cluster: Cluster,
  facts: DeploymentFacts,
  command: NodeCommandName,
  { comments = false, everyFunction = false } = {},
): string[] {
  const { summary } = nodeCommands[command];
  const all = [...withLibraries(`${command}.sh`), 'run_as_command main'];
  const source = everyFunction ? all : withoutUnusedFunctions(all);
  return [
    '#!/bin/bash',
    '# shellcheck disable=SC2034 # every script has all of the cluster and its parameters, and uses some',
    `# ${summary}`,
    '# Part of an SSM document; its source with comments is infra/documents/scripts.',
    ...Object.keys(parametersOf(command)).map((name) => `${variableName(name)}='{{ ${name} }}'`),
    ...Object.entries(parametersOf(command))
      .filter(([, { mayBeEmpty }]) => mayBeEmpty)
      .map(([name]) => `if [[ $${variableName(name)} == ${quoted(emptyValue)} ]]; then ${variableName(name)}=''; fi`),
    `COMMAND=${quoted(command)}`,
    ...clusterLayout(cluster, facts, source),
    ...(comments ? source : withoutComments(source)),
  ];
}

/** The parameters of a document, with the cluster's nodes in their patterns. */
function documentParameters(cluster: Cluster, command: NodeCommandName, document: string) {
  const nodes = cluster.nodes.map(({ name }) => name.replace(/[.]/g, '\\.')).join('|');
  const parameters = Object.fromEntries(
    Object.entries(parametersOf(command)).map(([name, { description, allowedPattern }]) => [
      name,
      { type: 'String', description, allowedPattern: allowedPattern.replace(nodesPlaceholder, () => nodes) },
    ]),
  );
  checkAllowedPatterns(document, parameters);
  return parameters;
}

/**
 * The documents of a cluster, in the order of {@link nodeCommandNames}.
 *
 * @throws OperatorError InvalidDocument when the SSM agent would refuse one of them, or one holds more than ASCII
 */
export function commandDocuments(cluster: Cluster, facts: DeploymentFacts): CommandDocument[] {
  const document = resourceNames(cluster.name).document;
  const documents = nodeCommandNames.map((command) => {
    const script = commandScript(cluster, facts, command);
    const parameters = documentParameters(cluster, command, document(command));
    const contentWith = (runCommand: readonly string[]) => ({
      schemaVersion: '2.2',
      description: nodeCommands[command].summary,
      parameters,
      mainSteps: [
        {
          action: 'aws:runShellScript',
          // SSM takes no shorter one where it is asked about a step.
          name: 'runScript',
          precondition: { StringEquals: ['platformType', 'Linux'] },
          inputs: {
            timeoutSeconds: `${nodeCommands[command].executionTimeoutSeconds}`,
            runCommand,
          },
        },
      ],
    });
    // Up to here it has parameters, and tokens of the deployment.
    return { command, contentWith, script, head: script.indexOf('layout') + 1 };
  });
  return fittingContents(documents).map((content, index) => {
    const command = nodeCommandNames[index] as NodeCommandName;
    checkAscii(document(command), content);
    return { name: document(command), command, content };
  });
}
