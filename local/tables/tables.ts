/** DynamoDB: dynalite speaks its protocol; this makes the assembly's tables and hands requests over. */

import { mkdirSync } from 'node:fs';
import type { Server } from 'node:http';
import dynalite from 'dynalite';
import { resourcesOf, type Stack } from '../assembly/load-assembly.ts';
import { AwsError } from '../protocols/aws-error.ts';

/** The tables of the assembly, kept in one directory. */
export class Tables {
  readonly #server: Server;
  readonly #partitionKeys = new Map<string, string>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Opens the tables' directory and makes the tables that are not there yet. */
  static async open(stacks: readonly Stack[], directory: string): Promise<Tables> {
    mkdirSync(directory, { recursive: true });
    const server = dynalite({ path: directory, createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
    // It speaks HTTP only.
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const tables = new Tables(server);
    for (const { stack, resource } of resourcesOf(stacks, 'AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable')) {
      await tables.#create(resource.id, stack.region, resource.properties);
      const schema = (resource.properties.KeySchema ?? []) as { AttributeName: string; KeyType: string }[];
      const key = schema.find(({ KeyType: kind }) => kind === 'HASH');
      if (key !== undefined) tables.#partitionKeys.set(resource.id, key.AttributeName);
    }
    return tables;
  }

  /** Name of the partition key of a table of the assembly. */
  partitionKey(table: string): string | undefined {
    return this.#partitionKeys.get(table);
  }

  /**
   * Carries out an operation of DynamoDB.
   *
   * @throws AwsError as DynamoDB refuses it
   */
  async call(operation: string, input: unknown, region: string): Promise<Record<string, unknown>> {
    const address = this.#server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const response = await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `DynamoDB_20120810.${operation}`,
        'x-amz-date': new Date().toISOString().replace(/[-:]|\.\d+/g, ''),
        authorization: `AWS4-HMAC-SHA256 Credential=L/20000101/${region}/dynamodb/aws4_request, SignedHeaders=host, Signature=0`,
      },
      body: JSON.stringify(input),
    });
    const body = (await response.json()) as Record<string, unknown>;
    if (response.ok) return body;
    const type = String(body.__type);
    throw new AwsError(type.slice(type.indexOf('#') + 1), String(body.message ?? body.Message ?? ''), response.status);
  }

  async #create(name: string, region: string, properties: Readonly<Record<string, unknown>>): Promise<void> {
    for (const key of ['StreamSpecification', 'KinesisStreamSpecification', 'ImportSourceSpecification']) {
      if (properties[key] !== undefined) throw new Error(`Table ${name}: ${key} is not supported by the local runtime`);
    }
    if (await this.#exists(name, region)) return;
    const { AttributeDefinitions, KeySchema, GlobalSecondaryIndexes, LocalSecondaryIndexes } = properties;
    const table = {
      TableName: name,
      AttributeDefinitions,
      KeySchema,
      BillingMode: 'PAY_PER_REQUEST',
      ...(GlobalSecondaryIndexes === undefined ? {} : { GlobalSecondaryIndexes }),
      ...(LocalSecondaryIndexes === undefined ? {} : { LocalSecondaryIndexes }),
    };
    await this.call('CreateTable', table, region).catch((error: Error) => {
      throw new Error(`Table ${name}: ${error.message}`, { cause: error });
    });
  }

  async #exists(name: string, region: string): Promise<boolean> {
    try {
      await this.call('DescribeTable', { TableName: name }, region);
      return true;
    } catch (error) {
      if (error instanceof AwsError && error.code === 'ResourceNotFoundException') return false;
      throw error;
    }
  }

  /** Closes the database. */
  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
