import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { freePort } from './ports.ts';

test('no port is given twice in a row, and each can be held for TCP and UDP', async () => {
  const ports = new Set<number>();
  for (let count = 0; count < 20; count++) ports.add(await freePort());
  expect(ports.size).toBe(20);
  const port = await freePort();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(port, '127.0.0.1', resolve));
  socket.close();
  server.close();
});
