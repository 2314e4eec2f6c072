/** The gate of the endpoint: who calls, what it asks of IAM, and the refusal in the words of the service. */
import { AwsError, notServed } from '../protocols/aws-error.ts';
import { type AccessControl, AccessDenied } from './access-control.ts';
import { callOf, isListed, type Place } from './operations.ts';
import type { Principal } from './principal.ts';

/** A request before anything is done. */
interface GateRequest {
  readonly service: string;
  readonly operation: string;
  readonly input: unknown;
  readonly region: string;
  /** From the signature; undefined when there is none. */
  readonly accessKeyId: string | undefined;
}

/** Lets a request through, and tells whose it is; throws {@link AwsError} otherwise. */
export type Gate = (request: GateRequest) => Promise<Principal | undefined>;

/** What finds the resources that an input names. */
export type Lookups = (region: string) => Omit<Place, 'region' | 'account'>;

/** Operations that AWS serves without a signature: the links in SNS messages. */
export const unsignedOperations: ReadonlySet<string> = new Set(['ConfirmSubscription', 'Unsubscribe']);

const queryServices = new Set(['sns', 'sts', 'cloudformation']);

/** A key that the runtime has not issued and that no person has. */
function unknownKey(service: string): AwsError {
  const message = 'The security token included in the request is invalid.';
  if (service === 'ec2') return new AwsError('AuthFailure', message, 401);
  if (queryServices.has(service)) return new AwsError('InvalidClientTokenId', message, 403);
  return new AwsError('UnrecognizedClientException', message, service === 'lambda' ? 403 : 400);
}

/**
 * A refusal as the service has it: SQS and SNS write the action in a way of their own, EC2 puts a sentence before it.
 *
 * @see https://github.com/aws/serverless-application-model/issues/3633 (SQS)
 * @see https://github.com/aws-ia/terraform-aws-control_tower_account_factory/issues/151 (SNS)
 * @see https://github.com/aws/karpenter-provider-aws/issues/7370 (EC2)
 */
export function refusal(service: string, { message, action }: AccessDenied): AwsError {
  switch (service) {
    case 'sns':
      return new AwsError(
        'AuthorizationError',
        message.replaceAll('sns:', 'SNS:').replace('aws:SNS:', 'aws:sns:'),
        403,
      );
    case 'sqs':
      return new AwsError('AccessDenied', message.replaceAll(action, action.toLowerCase()), 403);
    case 'ec2':
      return new AwsError('UnauthorizedOperation', `You are not authorized to perform this operation. ${message}`, 403);
    case 'cloudformation':
    case 'sts':
      return new AwsError('AccessDenied', message, 403);
    case 'lambda':
    case 'scheduler':
      return new AwsError('AccessDeniedException', message, 403);
    default:
      return new AwsError('AccessDeniedException', message, 400);
  }
}

/** Makes the gate. */
export function gateOf(access: AccessControl, account: string, lookups: Lookups): Gate {
  return async ({ service, operation, input, region, accessKeyId }) => {
    if (!isListed(service, operation)) throw notServed(service, operation);
    if (accessKeyId === undefined) {
      if (service === 'sns' && unsignedOperations.has(operation)) return undefined;
      throw new AwsError('MissingAuthenticationToken', 'The request is not signed.', 403);
    }
    const caller = access.keys.holder(accessKeyId);
    if (caller === undefined) throw unknownKey(service);
    if (caller.kind === 'person') return caller;
    const own = caller.kind === 'role' ? caller.role.account : account;
    const call = callOf(service, operation, input, { region, account: own, ...lookups(region) });
    if (call === undefined) return caller;
    try {
      await access.check(caller, { ...call, region });
    } catch (error) {
      throw error instanceof AccessDenied ? refusal(service, error) : error;
    }
    return caller;
  };
}
