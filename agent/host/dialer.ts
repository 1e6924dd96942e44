/** Connections that are only made to see whether they can be made: TCP, TLS, UDP. */
import dgram from 'node:dgram';
import net, { type LookupFunction } from 'node:net';
import tls from 'node:tls';
import { type Dialer, type DialRequest, NetworkError } from '../../proto/host-ports.ts';
import { dialTimeout, networkError } from './network-error.ts';
import { certificateOf, tlsOptions } from './tls-options.ts';

export function hostDialer(lookup: LookupFunction): Dialer {
  return {
    tcp: async (request) => {
      const socket = await connect(request, lookup);
      const certificate = socket instanceof tls.TLSSocket ? certificateOf(socket) : null;
      socket.destroy();
      return { certificate };
    },
    udp: (request) => ask(request, lookup),
  };
}

/** A connected socket, with TLS if the request says so; `alpn` names the protocols that are offered. */
export async function connect(
  request: DialRequest,
  lookup: LookupFunction,
  alpn: readonly string[] = [],
): Promise<net.Socket> {
  const { target, signal, timeoutMs } = request;
  const deadline = performance.now() + timeoutMs;
  const options = request.tls === null ? null : await readTlsOptions(request.tls, request);
  return new Promise((resolve, reject) => {
    const where = { host: target.host, port: target.port, lookup };
    const socket =
      options === null
        ? net.connect(where)
        : tls.connect({ ...where, ...options, ALPNProtocols: [...alpn] } as tls.ConnectionOptions);
    const settle = (error: unknown) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.removeListener('error', settle);
      socket.removeListener('close', onClose);
      // Whoever uses the socket from here on has a listener of its own; late errors are nobody's.
      socket.on('error', () => {});
      if (error === null) return resolve(socket);
      socket.destroy();
      reject(networkError(error, 'tcp', target));
    };
    const onAbort = () => settle(new NetworkError('ABORTED', 'the check was stopped'));
    const onClose = () => settle(new NetworkError('EOF', 'EOF'));
    const timer = setTimeout(
      () => settle(dialTimeout('tcp', target)),
      Math.max(0, deadline - performance.now()),
    );
    socket.once('error', settle);
    socket.once('close', onClose);
    socket.once(options === null ? 'connect' : 'secureConnect', () => settle(null));
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
  });
}

async function readTlsOptions(settings: NonNullable<DialRequest['tls']>, { target }: DialRequest) {
  try {
    return await tlsOptions(settings, target.host);
  } catch (error) {
    throw networkError(error, 'tcp', target);
  }
}

/** True when something came back. An ICMP "port unreachable" comes as ECONNREFUSED on a connected socket. */
function ask(
  { target, timeoutMs, signal }: Omit<DialRequest, 'tls'>,
  lookup: LookupFunction,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = dgram.createSocket({
      type: net.isIPv6(target.host) ? 'udp6' : 'udp4',
      lookup: (name, options, callback) =>
        lookup(name, { ...options, family: 4 }, (error, address, family) =>
          callback(error, address as string, family ?? 4),
        ),
    });
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.removeAllListeners();
      socket.on('error', () => {});
      socket.close();
      settle();
    };
    const fail = (error: unknown) => finish(() => reject(networkError(error, 'udp', target)));
    const onAbort = () => fail(new NetworkError('ABORTED', 'the check was stopped'));
    const timer = setTimeout(() => finish(() => resolve(false)), timeoutMs);
    socket.once('error', fail);
    socket.once('message', () => finish(() => resolve(true)));
    socket.once('connect', () => socket.send(new Uint8Array()));
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.connect(target.port, target.host);
  });
}
