/**
 * `node listen-in-room.mjs ADDRESS PORT`, started inside a network: opens a listening socket there and gives it to the
 * parent process, outside. A socket stays in the network that it was made in, whoever has it.
 */
import { createServer } from 'node:net';

const [address, port] = process.argv.slice(2);
const server = createServer();
server.on('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
server.listen(Number(port), address, () => {
  process.send?.('listening', server, {}, () => undefined);
});
// The parent has it.
process.on('disconnect', () => process.exit());
