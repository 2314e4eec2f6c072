/** One question to IAM: may this principal do this to this resource? Answered by a policy simulator. */
import { createValidatedPolicy } from '@cloud-copilot/iam-policy';
import { allowedContextKeysForRequest, isWildcardOnlyAction, runUnsafeSimulation } from '@cloud-copilot/iam-simulate';
import type { NamedPolicy, PolicyDocument } from './policy.ts';
import type { Context } from './principal.ts';

/** A request as IAM sees it. */
export interface Request {
  /** ARN of the session, or the name of a service. */
  readonly principal: string;
  readonly account: string;
  /** Such as `ssm:SendCommand`. */
  readonly action: string;
  /** `*` for an action that knows no resources. */
  readonly resource: string;
  readonly context: Context;
}

/** The policies that decide it. */
export interface Applicable {
  readonly identity: readonly NamedPolicy[];
  readonly resource?: PolicyDocument | undefined;
}

/** What became of a request, in the words of AWS's messages; undefined when it is allowed. */
export type Denial = string | undefined;

/**
 * Actions that the service authorization reference lists without a resource, and that IAM checks against the state
 * machine all the same.
 *
 * @see https://github.com/NOAA-OWP/hydrovis/issues/837 (the message of AWS names the state machine)
 * @see https://github.com/aws/aws-cdk/pull/8486 (tried on AWS against the policy simulator, which is wrong there)
 */
const checkedAgainstArn = new Set(['states:SendTaskSuccess', 'states:SendTaskFailure', 'states:SendTaskHeartbeat']);

/**
 * In every request of a function's code, as Lambda's documentation says; the reference lists it nowhere.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
 */
const alwaysThere = 'lambda:SourceFunctionArn';

/** Stands for no resource at all: only `*` in a policy matches it, as IAM has it for actions without resources. */
const noResource = 'arn:none:none:none:none:none';

/**
 * The resource to ask about, and the condition keys that such a request has. Both come from AWS's service
 * authorization reference: a request that it does not know is a fault of ours, never allowed.
 */
async function lookUp({ action, resource }: Request): Promise<{ resource: string; keys: ReadonlySet<string> }> {
  const [service = '', name = ''] = action.split(':');
  const withoutResource = await isWildcardOnlyAction(service, name);
  const overruled = checkedAgainstArn.has(action);
  if (withoutResource && !overruled && resource !== '*') {
    throw new Error(`${action} knows no resources, and was asked about for ${resource}`);
  }
  if (resource === '*' && (!withoutResource || overruled)) throw new Error(`${action} was asked about for no resource`);
  const keys = await allowedContextKeysForRequest(service, name, overruled ? '*' : resource, false, undefined);
  return {
    resource: resource === '*' ? noResource : resource,
    keys: new Set([...keys, alwaysThere].map((key) => key.toLowerCase())),
  };
}

/** Asks, and says why not. */
export async function evaluate(request: Request, applicable: Applicable): Promise<Denial> {
  const { resource, keys } = await lookUp(request);
  const { action } = request;
  const simulate = (policies: Applicable) =>
    runUnsafeSimulation(
      {
        request: {
          principal: request.principal,
          action,
          resource: { resource, accountId: request.account },
          contextVariables: Object.fromEntries(
            Object.entries(request.context)
              .filter(([key]) => keys.has(key.toLowerCase()))
              .map(([key, value]) => [key, typeof value === 'string' ? value : [...value]]),
          ),
        },
        identityPolicies: policies.identity.map(({ name, document }) => ({ name, policy: document })),
        resourcePolicy:
          policies.resource &&
          createValidatedPolicy(policies.resource, () => [], { name: 'the policy of the resource' }),
        serviceControlPolicies: [],
        resourceControlPolicies: [],
      },
      {},
    );
  const result = simulate(applicable);
  if (result === 'Allowed') return undefined;
  // A service has no policies of its own.
  const kind = request.principal.startsWith('arn:') ? 'identity' : 'resource';
  if (result === 'ImplicitlyDenied') return `because no ${kind}-based policy allows the ${action} action`;
  const byIdentity = simulate({ identity: applicable.identity }) === 'ExplicitlyDenied';
  return `with an explicit deny in ${byIdentity ? 'an identity' : 'a resource'}-based policy`;
}
