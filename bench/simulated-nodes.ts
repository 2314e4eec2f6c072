/**
 * Servers that speak as much of PostgreSQL's protocol as the observer uses: TLS, SCRAM-SHA-256 and one question, which
 * each answers with prepared facts. Started as a process of its own, so that it does not take the observer's time.
 *
 * Reads its input as JSON from the file that it is given, says `ready` when it listens, and prints what it has counted
 * when its input ends.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';

export interface SimulationInput {
  readonly servers: readonly {
    readonly address: string;
    readonly port: number;
    /** What the node answers; null accepts connections and never says a word. */
    readonly facts: unknown;
  }[];
  readonly password: string;
  readonly key: string;
  readonly certificate: string;
}

export interface SimulationCounts {
  readonly connections: number;
  readonly mostAtOnce: number;
  readonly mostAtOnceOfOneNode: number;
  readonly stillOpen: number;
}

const sslRequest = 80877103;
const iterations = 4096;
const textOid = 25;

/** What a server keeps of a password. */
interface Verifier {
  readonly salt: Buffer;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest();

function verifierOf(password: string): Verifier {
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const storedKey = createHash('sha256').update(hmac(salted, 'Client Key')).digest();
  return { salt, storedKey, serverKey: hmac(salted, 'Server Key') };
}

function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type, 0, 'latin1');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const int = (value: number, bytes: 2 | 4) => {
  const buffer = Buffer.alloc(bytes);
  buffer.writeIntBE(value, 0, bytes);
  return buffer;
};
const authentication = (code: number, data = '') => message('R', Buffer.concat([int(code, 4), Buffer.from(data)]));
const readyForQuery = message('Z', Buffer.from('I'));

/** Answer to the one question, prepared: Parse, Bind, Describe and Execute are answered together at Sync. */
function answer(facts: unknown): Buffer {
  const text = Buffer.from(JSON.stringify(facts));
  const column = [int(0, 4), int(0, 2), int(textOid, 4), int(-1, 2), int(-1, 4), int(0, 2)];
  return Buffer.concat([
    message('1', Buffer.alloc(0)),
    message('2', Buffer.alloc(0)),
    message('T', Buffer.concat([int(1, 2), Buffer.from('facts\0'), ...column])),
    message('D', Buffer.concat([int(1, 2), int(text.length, 4), text])),
    message('C', Buffer.from('SELECT 1\0')),
    readyForQuery,
  ]);
}

/** Yields messages of the protocol: the first ones have no type. */
async function* messages(stream: AsyncIterable<Buffer>): AsyncGenerator<{ type: string; body: Buffer }> {
  let buffered = Buffer.alloc(0);
  let started = false;
  for await (const chunk of stream) {
    buffered = Buffer.concat([buffered, chunk]);
    for (;;) {
      const head = started ? 1 : 0;
      if (buffered.length < head + 4) break;
      const length = head + buffered.readInt32BE(head);
      if (buffered.length < length) break;
      const type = started ? buffered.toString('latin1', 0, 1) : '';
      yield { type, body: buffered.subarray(head + 4, length) };
      started = true;
      buffered = buffered.subarray(length);
    }
  }
}

/** One session after TLS: authentication, then the question as often as it is asked. */
async function session(stream: TLSSocket, verifier: Verifier, prepared: Buffer): Promise<void> {
  let clientFirst = '';
  let serverFirst = '';
  for await (const { type, body } of messages(stream)) {
    if (type === '') stream.write(authentication(10, 'SCRAM-SHA-256\0\0'));
    else if (type === 'p' && clientFirst === '') {
      // Mechanism, length of the data, and the data: `n,,n=*,r=…`.
      clientFirst = body.toString().slice(body.indexOf(0) + 5 + 'n,,'.length);
      const nonce = `${clientFirst.split('r=')[1]}${randomBytes(18).toString('base64')}`;
      serverFirst = `r=${nonce},s=${verifier.salt.toString('base64')},i=${iterations}`;
      stream.write(authentication(11, serverFirst));
    } else if (type === 'p') {
      const [withoutProof = '', proof = ''] = body.toString().split(',p=');
      const said = `${clientFirst},${serverFirst},${withoutProof}`;
      const signature = hmac(verifier.storedKey, said);
      const clientKey = Buffer.from(proof, 'base64').map((byte, index) => byte ^ (signature[index] ?? 0));
      const right = timingSafeEqual(createHash('sha256').update(clientKey).digest(), verifier.storedKey);
      if (!right) return void stream.end();
      const verified = authentication(12, `v=${hmac(verifier.serverKey, said).toString('base64')}`);
      stream.write(Buffer.concat([verified, authentication(0), readyForQuery]));
    } else if (type === 'S') stream.write(prepared);
    else if (type === 'X') return void stream.end();
  }
}

/** Before TLS the client asks for it, in eight bytes. */
async function encrypted(socket: Socket, context: ReturnType<typeof createSecureContext>): Promise<TLSSocket> {
  const [request]: Buffer[] = await once(socket, 'data');
  if (request?.readInt32BE(4) !== sslRequest) throw new Error('the client does not ask for TLS');
  socket.pause();
  const secured = new TLSSocket(socket, { isServer: true, secureContext: context });
  socket.write('S');
  return secured;
}

const file = process.argv[2];
if (file === undefined) throw new Error('usage: node bench/simulated-nodes.ts FILE');
const { servers, password, key, certificate }: SimulationInput = JSON.parse(readFileSync(file, 'utf8'));
const context = createSecureContext({ key, cert: certificate });
const verifier = verifierOf(password);
let connections = 0;
let open = 0;
let mostAtOnce = 0;
let mostAtOnceOfOneNode = 0;

await Promise.all(
  servers.map(async ({ address, port, facts }) => {
    let openHere = 0;
    const prepared = answer(facts);
    const server = createServer((socket) => {
      connections += 1;
      open += 1;
      openHere += 1;
      mostAtOnce = Math.max(mostAtOnce, open);
      mostAtOnceOfOneNode = Math.max(mostAtOnceOfOneNode, openHere);
      socket.on('close', () => {
        open -= 1;
        openHere -= 1;
      });
      socket.on('error', () => undefined);
      if (facts === null) {
        // Read and not answered, so that the end of the connection is seen.
        socket.resume();
        return;
      }
      encrypted(socket, context)
        .then((stream) => {
          stream.on('error', () => undefined);
          return session(stream, verifier, prepared);
        })
        .catch(() => socket.destroy());
    });
    server.listen({ host: address, port, backlog: 511 });
    await once(server, 'listening');
  }),
);
console.log('ready');
process.stdin.resume();
await once(process.stdin, 'end');
const counts: SimulationCounts = { connections, mostAtOnce, mostAtOnceOfOneNode, stillOpen: open };
console.log(JSON.stringify(counts));
process.exit();
