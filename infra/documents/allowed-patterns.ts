/**
 * What the SSM agent does with a document's parameters before it starts anything: each allowedPattern is compiled by
 * Go's regexp, which is RE2. One that does not compile fails every command of the document, without a word in its
 * output (agent/framework/docparser/paramvalidator/allowedregexparamvalidator in github.com/aws/amazon-ssm-agent).
 */
import { RE2JS, RE2JSSyntaxException } from 're2js';
import { OperatorError } from '../../lambdas/contract/errors.ts';

/** The agent passes over a parameter whose name is not like this (agent/framework/docparser/parameters). */
const parameterName = /^[a-zA-Z0-9]+$/;

/**
 * Refuses a document that the agent would refuse on the host.
 *
 * @throws OperatorError InvalidDocument with the parameter, its pattern and what is wrong with it
 */
export function checkAllowedPatterns(
  document: string,
  patterns: Readonly<Record<string, { readonly allowedPattern: string }>>,
): void {
  for (const [name, { allowedPattern }] of Object.entries(patterns)) {
    if (!parameterName.test(name)) {
      throw new OperatorError(
        'InvalidDocument',
        `Document ${document}: the SSM agent passes over the parameter ${name}.`,
        'Letters and digits alone make a name.',
      );
    }
    try {
      if (RE2JS.compile(allowedPattern).test('')) {
        throw new OperatorError(
          'InvalidDocument',
          `Document ${document}: ${name} may be empty, and nobody knows whether SSM hands on an empty value.`,
          'Let a word of its own stand for nothing: emptyValue in lambdas/contract/node-commands.ts.',
        );
      }
    } catch (error) {
      if (!(error instanceof RE2JSSyntaxException)) throw error;
      throw new OperatorError(
        'InvalidDocument',
        `Document ${document}: the SSM agent cannot compile the allowedPattern of ${name}, ${allowedPattern}: ${error.message}.`,
        'Go’s regexp (RE2) has no look-around, no back-references, and repeats up to 1000 times: see https://github.com/google/re2/wiki/Syntax.',
        { cause: error },
      );
    }
  }
}
