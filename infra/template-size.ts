import { statSync } from 'node:fs';
import type { IPolicyValidationContext, IPolicyValidationPlugin, PolicyValidationPluginReport } from 'aws-cdk-lib';

/**
 * Bytes of a template that CloudFormation takes.
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
 */
export const largestTemplate = 1_000_000;

/** Fails the synthesis on a template that CloudFormation would refuse only when it is deployed. */
export class TemplateSize implements IPolicyValidationPlugin {
  readonly name = 'TemplateSize';

  validate({ templatePaths }: IPolicyValidationContext): PolicyValidationPluginReport {
    const violations = templatePaths
      .map((templatePath) => ({ templatePath, bytes: statSync(templatePath).size }))
      .filter(({ bytes }) => bytes > largestTemplate)
      .map(({ templatePath, bytes }) => ({
        ruleName: 'TemplateTooLarge',
        description:
          `The template has ${bytes} bytes, and CloudFormation takes ${largestTemplate}: ` +
          'give the cluster fewer nodes, or shorter names and directories of nodes.',
        violatingResources: [{ resourceLogicalId: 'Stack', templatePath, locations: [] }],
      }));
    return { success: violations.length === 0, violations };
  }
}
