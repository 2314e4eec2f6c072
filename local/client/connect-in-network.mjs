/**
 * `node connect-in-network.mjs ADDRESS PORT`, started inside a network: connects there and gives the connection to the
 * parent process, outside. A connection stays in the network that it was made in, whoever has it.
 */
import { connect } from 'node:net';

const [address, port] = process.argv.slice(2);
const socket = connect({ host: address, port: Number(port) });
socket.on('error', (error) => {
  process.send?.({ error: error.message }, () => process.exit(1));
});
socket.on('connect', () => {
  process.send?.({}, socket, {}, () => process.disconnect());
});
