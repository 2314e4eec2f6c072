import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { HandlerName } from '../handler-names.ts';

/** The cluster's functions, by the names of their handlers. */
export interface RunbookFunctions {
  get(handler: HandlerName): IFunction;
}
