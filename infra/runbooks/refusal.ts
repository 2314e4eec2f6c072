import { type Chain, Fail, JsonPath, Pass } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';

/**
 * What follows when a function has refused before anything was touched: the execution ends with the error's name and
 * its words for the operator. Expects what a Catch leaves at `$.failure`.
 *
 * @param reasons why the function refuses, for the graph
 */
export function refusal(scope: Construct, title: string, reasons: string): Chain {
  const explain = new Pass(scope, 'Explain refusal', {
    comment: `Nothing was touched: ${reasons}.`,
    parameters: {
      error: JsonPath.stringAt('$.failure.Error'),
      detail: JsonPath.stringToJson(JsonPath.stringAt('$.failure.Cause')),
    },
  });
  return explain.next(
    new Fail(scope, `${title} refused`, {
      errorPath: JsonPath.stringAt('$.error'),
      causePath: JsonPath.stringAt('$.detail.errorMessage'),
    }),
  );
}
