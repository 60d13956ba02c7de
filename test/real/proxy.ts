import { connect, createServer, type Socket } from 'node:net';

/** Between client and server: when cut, bytes vanish and nobody is told; when dropped, all connections end at once. */
export async function startProxy(target: number) {
  const sockets = new Set<Socket>();
  let dead = false;
  const proxy = createServer((client) => {
    const server = connect(target, '127.0.0.1');
    const relay = (from: Socket, to: Socket) => {
      let cut = false;
      sockets.add(from);
      from.on('data', (data) => {
        cut ||= dead;
        if (!cut) to.write(data);
      });
      from.on('error', () => {});
      from.on('close', () => to.destroy());
    };
    relay(client, server);
    relay(server, client);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    port: (proxy.address() as { port: number }).port,
    cut: () => {
      dead = true;
    },
    mend: () => {
      dead = false;
    },
    drop: () => {
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      proxy.close();
    },
  };
}
