/** Stands for indiserver: sends the bytes of a file to everyone who asks for BLOBs, and answers pings. A process of its own. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

const bytes = readFileSync(process.argv[2]);
const server = createServer((socket) => {
  socket.on('error', () => {});
  socket.on('data', (data) => {
    const text = data.toString();
    if (text.includes('<enableBLOB')) socket.write(bytes);
    const ping = /<pingRequest uid="([^"]*)"/.exec(text);
    if (ping) socket.write(`<pingReply uid="${ping[1]}"/>\n`);
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
