/** AWS STS: who calls. */
import * as z from 'zod';
import { nameOf } from '../access/principal.ts';
import { operation, type Service } from './service.ts';

/** The STS API: the session of a role, or the one local user that stands for all people. */
export function stsService(account: string): Service {
  return {
    name: 'sts',
    protocol: 'query',
    namespace: 'https://sts.amazonaws.com/doc/2011-06-15/',
    operations: {
      GetCallerIdentity: operation(z.strictObject({}), (_input, { principal }) => ({
        Arn: nameOf(principal ?? { kind: 'person', account }),
        UserId: principal?.kind === 'role' ? `${principal.role.name}:${principal.session}` : 'LOCALUSER',
        Account: principal?.kind === 'role' ? principal.role.account : account,
      })),
    },
  };
}
