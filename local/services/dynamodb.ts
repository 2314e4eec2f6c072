/** Amazon DynamoDB: what dynalite serves of it. */
import type { Tables } from '../tables/tables.ts';
import type { Service } from './service.ts';

/** Tables are the assembly's: CloudFormation makes them. */
const operations = [
  ...['ListTables', 'GetItem', 'PutItem', 'UpdateItem', 'DeleteItem'],
  ...['BatchGetItem', 'BatchWriteItem', 'Query', 'Scan'],
];

/** The DynamoDB API over the tables of the assembly; dynalite checks the inputs by itself, too. */
export function dynamoDbService(tables: Tables): Service {
  return {
    name: 'dynamodb',
    protocol: 'json',
    operations: Object.fromEntries(
      operations.map((name) => [name, { call: (input, { region }) => tables.call(name, input, region) }]),
    ),
  };
}
