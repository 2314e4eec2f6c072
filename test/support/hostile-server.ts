/**
 * A server that speaks PostgreSQL's protocol and answers each query with whatever text it is told to: what a host meets
 * when another node, or the PostgreSQL user of its own, is in somebody else's hands.
 *
 * @see https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
import { chmodSync, existsSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';

/** The rows that answer a query; nothing for no row. */
export type Answers = (query: string) => readonly (readonly string[])[];

/** Code of the first message of a client that asks for TLS, or for encryption by GSSAPI. */
const encryptionRequests = new Set([80877103, 80877104]);

/** One that listens; it lets everybody in. */
export class HostileServer {
  readonly #server: Server;
  readonly #answers: Answers;
  readonly #sockets = new Set<Socket>();
  /** Every query that it was asked. */
  readonly queries: string[] = [];

  private constructor(answers: Answers) {
    this.#answers = answers;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /** Listens on an address and a port, or on the socket that PostgreSQL has in a directory. */
  static async listen(
    place: { address: string; port: number } | { directory: string; port: number },
    answers: Answers,
  ) {
    const server = new HostileServer(answers);
    const path = 'directory' in place ? `${place.directory}/.s.PGSQL.${place.port}` : undefined;
    if (path !== undefined && existsSync(path)) rmSync(path);
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', reject);
      if ('directory' in place) server.#server.listen(path, resolve);
      else server.#server.listen(place.port, place.address, resolve);
    });
    if (path !== undefined) chmodSync(path, 0o777);
    return server;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket)).on('error', () => undefined);
    let received = Buffer.alloc(0);
    let begun = false;
    socket.on('data', (data) => {
      received = Buffer.concat([received, data]);
      for (;;) {
        const head = begun ? 1 : 0;
        if (received.length < head + 4) return;
        const length = received.readInt32BE(head);
        if (received.length < head + length) return;
        const kind = begun ? String.fromCharCode(received[0] ?? 0) : 'startup';
        const body = received.subarray(head + 4, head + length);
        received = received.subarray(head + length);
        if (kind === 'startup' && encryptionRequests.has(body.readInt32BE(0))) {
          socket.write('N');
        } else if (kind === 'startup') {
          begun = true;
          socket.write(greeting());
        } else if (kind === 'Q') {
          const query = body.subarray(0, -1).toString();
          this.queries.push(query);
          socket.write(reply(this.#answers(query)));
        } else if (kind === 'X') {
          socket.end();
        }
      }
    });
  }
}

function message(kind: string, ...parts: (Buffer | string | number)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'number' ? int32(part) : Buffer.from(part))));
  return Buffer.concat([Buffer.from(kind), int32(body.length + 4), body]);
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}

function int16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeInt16BE(value);
  return buffer;
}

const ready = message('Z', 'I');

const greeting = () =>
  Buffer.concat([
    message('R', 0),
    ...[
      ['server_version', '15.0'],
      ['client_encoding', 'UTF8'],
      ['standard_conforming_strings', 'on'],
    ].map(([name, value]) => message('S', `${name}\0${value}\0`)),
    message('K', 1, 1),
    ready,
  ]);

function reply(rows: readonly (readonly string[])[]): Buffer {
  const columns = rows[0]?.length ?? 0;
  const text = Buffer.concat([int32(0), int16(0), int32(25), int16(-1), int32(-1), int16(0)]);
  return Buffer.concat([
    message(
      'T',
      int16(columns),
      ...Array.from({ length: columns }, (_, index) => Buffer.concat([Buffer.from(`c${index}\0`), text])),
    ),
    ...rows.map((row) =>
      message(
        'D',
        int16(row.length),
        ...row.map((value) => Buffer.concat([int32(Buffer.byteLength(value)), Buffer.from(value)])),
      ),
    ),
    message('C', `SELECT ${rows.length}\0`),
    ready,
  ]);
}
