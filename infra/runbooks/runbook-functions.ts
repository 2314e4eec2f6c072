import type { IFunction } from 'aws-cdk-lib/aws-lambda';

/** Functions that runbooks call. */
export interface RunbookFunctions {
  readonly runNodeCommand: IFunction;
  readonly acquireLock: IFunction;
  readonly releaseLock: IFunction;
  readonly planSetup: IFunction;
  readonly verifyReplication: IFunction;
}
