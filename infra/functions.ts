import { Duration } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { resourceNames } from '../lambdas/contract/names.ts';
import { type FunctionBundles, withFunctionCode } from './bundle-functions.ts';
import {
  allow,
  type FunctionDefinition,
  type FunctionResources,
  functionDefinitions,
  logging,
} from './function-definitions.ts';
import { type HandlerName, handlerNames } from './handler-names.ts';
import { logGroup } from './log-groups.ts';
import type { Network } from './network.ts';
import { acknowledgeWildcard } from './wildcards.ts';

export interface ClusterFunctionsProps extends FunctionResources {
  readonly bundles: FunctionBundles;
  readonly network: Network;
}

/**
 * A function that is invoked by its plain ARN. The CDK would let whoever may invoke it invoke all its versions and
 * aliases too, which do not exist.
 */
class PlainFunction extends lambda.Function {
  override get resourceArnsForGrantInvoke(): string[] {
    return [this.functionArn];
  }
}

/** The Lambda functions of one cluster. Every function has a role of its own. */
export class ClusterFunctions extends Construct {
  private readonly functions: ReadonlyMap<HandlerName, lambda.Function>;

  constructor(scope: Construct, id: string, props: ClusterFunctionsProps) {
    super(scope, id);
    const definitions = functionDefinitions(this, props);
    this.functions = new Map(handlerNames.map((name) => [name, this.create(name, definitions[name], props)]));
  }

  /** The function of this handler. */
  get(handler: HandlerName): lambda.Function {
    const found = this.functions.get(handler);
    if (found === undefined) throw new Error(`no function ${handler}`);
    return found;
  }

  private create(name: HandlerName, definition: FunctionDefinition, props: ClusterFunctionsProps): lambda.Function {
    const { cluster, bundles, network } = props;
    const functionName = resourceNames(cluster.name).function(name);
    const log = logGroup(this, `${name}-log`, `/aws/lambda/${functionName}`);
    const role = new iam.Role(this, `${name}-role`, {
      description: `${functionName}: ${definition.description}`,
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
      inlinePolicies: {
        permissions: new iam.PolicyDocument({
          statements: [allow(logging, [log.logGroupArn]), ...definition.mayDo],
        }),
      },
    });
    for (const wildcard of definition.wildcards ?? []) acknowledgeWildcard(role, wildcard);
    return withFunctionCode(
      bundles,
      name,
      cluster,
      (code) =>
        new PlainFunction(this, name, {
          functionName,
          description: definition.description,
          code,
          handler: 'index.handler',
          runtime: lambda.Runtime.NODEJS_24_X,
          architecture: lambda.Architecture.ARM_64,
          memorySize: definition.memorySize ?? 256,
          timeout: Duration.seconds(definition.timeoutSeconds),
          environment: { ...definition.environment },
          role,
          logGroup: log,
          loggingFormat: lambda.LoggingFormat.JSON,
          ...(definition.runsOften && { systemLogLevelV2: lambda.SystemLogLevel.WARN }),
          ...(definition.notRepeated && { retryAttempts: 0, maxEventAge: Duration.minutes(1) }),
          ...(definition.inVpc && {
            vpc: network.vpc,
            vpcSubnets: { subnets: network.observerSubnets },
            securityGroups: [network.observerSecurityGroup],
          }),
        }),
    );
  }
}
