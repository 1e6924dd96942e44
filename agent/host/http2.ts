/** HTTP/2 by prior knowledge for checks: a PING, or one POST with its trailers. One connection a call. */
import http2 from 'node:http2';
import type { LookupFunction } from 'node:net';
import {
  type DialRequest,
  type Http2Answer,
  type Http2Call,
  type Http2Client,
  NetworkError,
} from '../../proto/host-ports.ts';
import { connect } from './dialer.ts';
import { networkError } from './network-error.ts';

export function hostHttp2(lookup: LookupFunction): Http2Client {
  return {
    ping: (request) => withSession(request, lookup, ping),
    post: (request) => withSession(request, lookup, (session) => post(session, request)),
  };
}

/** Connects, lets `use` do its work within the deadline, and closes, whatever happened. */
async function withSession<Result>(
  request: DialRequest,
  lookup: LookupFunction,
  use: (session: http2.ClientHttp2Session) => Promise<Result>,
): Promise<Result> {
  const deadline = performance.now() + request.timeoutMs;
  const { host, port } = request.target;
  const socket = await connect(request, lookup, ['h2']);
  const scheme = request.tls === null ? 'http' : 'https';
  const session = http2.connect(`${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`, {
    createConnection: () => socket,
  });
  try {
    return await new Promise<Result>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new NetworkError('ETIMEDOUT', 'context deadline exceeded')),
        Math.max(0, deadline - performance.now()),
      );
      request.signal?.addEventListener(
        'abort',
        () => reject(new NetworkError('ABORTED', 'the check was stopped')),
        {
          once: true,
        },
      );
      session.once('error', reject);
      session.once('close', () => reject(new NetworkError('EOF', 'connection closed')));
      use(session)
        .then(resolve, reject)
        .finally(() => clearTimeout(timer));
    });
  } catch (error) {
    throw networkError(error, 'tcp', request.target);
  } finally {
    session.on('error', () => {});
    session.destroy();
  }
}

function ping(session: http2.ClientHttp2Session): Promise<number> {
  return new Promise((resolve, reject) => {
    // A PING before the other side has spoken would also be answered by what is no HTTP/2 at all: by nobody.
    session.once('remoteSettings', () => {
      session.ping((error, durationMs) => (error ? reject(error) : resolve(durationMs)));
    });
  });
}

function post(session: http2.ClientHttp2Session, call: Http2Call): Promise<Http2Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': 'POST', ':path': call.path, ...call.headers });
    const chunks: Buffer[] = [];
    let bytes = 0;
    let headers: Record<string, string> = {};
    let trailers: Record<string, string> = {};
    let status = 0;
    stream.once('response', (got) => {
      status = got[':status'] ?? 0;
      headers = texts(got);
    });
    stream.once('trailers', (got) => {
      trailers = texts(got);
    });
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= call.answerBytesMax) chunks.push(chunk);
      else
        stream.destroy(
          new NetworkError('TOO_LARGE', `the answer is longer than ${call.answerBytesMax} bytes`),
        );
    });
    stream.once('error', reject);
    stream.once('end', () => resolve({ status, headers, trailers, body: Buffer.concat(chunks) }));
    stream.end(call.body);
  });
}

function texts(headers: http2.IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, [value ?? ''].flat().join(', ')]),
  );
}
