/** DynamoDB: dynalite speaks its protocol; this makes the assembly's tables and hands requests over. */

import { mkdirSync } from 'node:fs';
import type { Server } from 'node:http';
import { Readable } from 'node:stream';
import dynalite from 'dynalite';
import { resourcesOf, type Stack } from '../assembly/load-assembly.ts';
import type { RawHandler } from '../protocols/endpoint.ts';

/** The tables of the assembly, kept in one directory. */
export class Tables {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Opens the tables' directory and makes the tables that are not there yet. */
  static async open(stacks: readonly Stack[], directory: string): Promise<Tables> {
    mkdirSync(directory, { recursive: true });
    const server = dynalite({ path: directory, createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
    // It must listen somewhere to be closed properly; requests are handed over without that port.
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const tables = new Tables(server);
    for (const { resource } of resourcesOf(stacks, 'AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable')) {
      await tables.#create(resource.id, resource.properties);
    }
    return tables;
  }

  /** Serves a DynamoDB request. */
  get handler(): RawHandler {
    return ({ method, url, headers }, response, body) => {
      // The body has been read already; the library reads it again.
      const again = Object.assign(Readable.from(body.length === 0 ? [] : [body]), { method, url, headers });
      this.#server.emit('request', again, response);
    };
  }

  async #call(operation: string, input: object): Promise<{ status: number; body: Record<string, unknown> }> {
    const address = this.#server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const response = await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `DynamoDB_20120810.${operation}`,
        'x-amz-date': new Date().toISOString().replace(/[-:]|\.\d+/g, ''),
        authorization:
          'AWS4-HMAC-SHA256 Credential=L/20000101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
      },
      body: JSON.stringify(input),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  async #create(name: string, properties: Readonly<Record<string, unknown>>): Promise<void> {
    for (const key of ['StreamSpecification', 'KinesisStreamSpecification', 'ImportSourceSpecification']) {
      if (properties[key] !== undefined) throw new Error(`Table ${name}: ${key} is not supported by the local runtime`);
    }
    const existing = await this.#call('DescribeTable', { TableName: name });
    if (existing.status === 200) return;
    const { AttributeDefinitions, KeySchema, GlobalSecondaryIndexes, LocalSecondaryIndexes } = properties;
    const { status, body } = await this.#call('CreateTable', {
      TableName: name,
      AttributeDefinitions,
      KeySchema,
      BillingMode: 'PAY_PER_REQUEST',
      ...(GlobalSecondaryIndexes === undefined ? {} : { GlobalSecondaryIndexes }),
      ...(LocalSecondaryIndexes === undefined ? {} : { LocalSecondaryIndexes }),
    });
    if (status !== 200) throw new Error(`Table ${name}: ${String(body.message ?? body.__type)}`);
  }

  /** Closes the database. */
  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
