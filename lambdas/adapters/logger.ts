import { Logger } from '@aws-lambda-powertools/logger';

/** One JSON line per message, with function name and request id; level by POWERTOOLS_LOG_LEVEL. */
export const logger = new Logger();
