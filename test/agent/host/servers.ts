/** Servers on loopback that behave, or misbehave, in one way each. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import type { TlsSettings } from '../../../proto/schema/definitions.ts';

export const tlsFile = (name: string) => new URL(`../../fixtures/tls/${name}`, import.meta.url).pathname;

/** Trusts the test CA and nothing else. */
export const trusting: TlsSettings = {
  serverName: '',
  skipVerify: false,
  caFile: tlsFile('ca.pem'),
  certFile: '',
  keyFile: '',
};

export const certificate = (name: 'good' | 'other' | 'expired') => ({
  cert: readFileSync(tlsFile(`${name}.pem`)),
  key: readFileSync(tlsFile(`${name}-key.pem`)),
});

const closers: Array<() => void> = [];

/** Closes all servers and whatever is connected to them. */
export function closeServers(): void {
  for (const close of closers.splice(0)) close();
}

async function listening(server: net.Server): Promise<number> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

export function httpServer(handler: http.RequestListener): Promise<number> {
  return listening(http.createServer(handler));
}

export function httpsServer(
  name: 'good' | 'other' | 'expired',
  handler: http.RequestListener,
): Promise<number> {
  return listening(https.createServer(certificate(name), handler));
}

export function tcpServer(
  onConnection: (socket: net.Socket) => void = (socket) => socket.resume(),
): Promise<number> {
  return listening(net.createServer(onConnection));
}

export function http2Server(
  onStream: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void,
) {
  const server = http2.createServer();
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    onStream(stream, headers);
  });
  return listening(server);
}

export function http2TlsServer(name: 'good' | 'other' | 'expired'): Promise<number> {
  return listening(http2.createSecureServer(certificate(name)));
}

/** `answer` null: silence. */
export async function udpServer(answer: ((question: Buffer) => Buffer) | null): Promise<number> {
  const socket = dgram.createSocket('udp4');
  socket.on('message', (question, from) => {
    if (answer !== null) socket.send(answer(question), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  closers.push(() => socket.close());
  return socket.address().port;
}

/** A DNS server that knows `web.test` (A 192.0.2.7) and nothing else; see RFC 1035, 4.1. */
export function dnsServer(): Promise<number> {
  return udpServer((question) => {
    const known = question.includes(Buffer.from('\x03web\x04test\x00\x00\x01')) ? 1 : 0;
    const header = Buffer.from(question.subarray(0, 12));
    header.writeUInt16BE(known ? 0x8180 : 0x8183, 2);
    header.writeUInt16BE(known, 6);
    header.writeUInt32BE(0, 8);
    const end = question.indexOf(0, 12) + 5;
    const answer = Buffer.from('c00c000100010000003c0004c0000207', 'hex');
    return Buffer.concat([header, question.subarray(12, end), ...(known ? [answer] : [])]);
  });
}

/** A port where nobody listens. */
export async function closedPort(): Promise<number> {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
