/** AWS STS: who calls. */
import * as z from 'zod';
import { operation, type Service } from './service.ts';

/** The STS API: everybody is the one local user. */
export function stsService(account: string): Service {
  return {
    name: 'sts',
    protocol: 'query',
    namespace: 'https://sts.amazonaws.com/doc/2011-06-15/',
    operations: {
      GetCallerIdentity: operation(z.strictObject({}), () => ({
        Arn: `arn:aws:iam::${account}:user/local`,
        UserId: 'LOCALUSER',
        Account: account,
      })),
    },
  };
}
