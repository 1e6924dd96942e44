/**
 * HTTP for checks, over undici: a connection of its own for every request, as Consul has it, so that a check
 * also sees whether the server still takes connections. One deadline covers all of it, and of a long body no
 * more is read than is wanted.
 */
import { createRequire } from 'node:module';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { buildConnector, Client } from 'undici';
import type { CertificateFacts, HttpAnswer, HttpClient, HttpRequest } from '../../proto/host-ports.ts';
import { NetworkError } from '../../proto/host-ports.ts';
import type { Endpoint } from '../../proto/ports.ts';
import { networkError } from './network-error.ts';
import { certificateOf, tlsOptions } from './tls-options.ts';

const require = createRequire(import.meta.url);

/**
 * Loaded with the first HTTP check, and of undici only the parts that are used: the whole of it, with its own `fetch`,
 * WebSockets and caches, takes 5 MiB more.
 */
function loadUndici(): Pick<typeof import('undici'), 'buildConnector' | 'Client'> {
  return {
    Client: require('undici/lib/dispatcher/client.js'),
    buildConnector: require('undici/lib/core/connect.js'),
  };
}

const redirects = new Set([301, 302, 303, 307, 308]);

export function hostHttp(lookup: LookupFunction): HttpClient {
  return { request: (request) => follow(request, lookup) };
}

async function follow(request: HttpRequest, lookup: LookupFunction): Promise<HttpAnswer> {
  const deadline = performance.now() + request.timeoutMs;
  let hop = request;
  for (let followed = 0; ; followed++) {
    const answer = await ask(hop, deadline - performance.now(), lookup);
    if (!redirects.has(answer.status) || request.redirectsMax === 0) return answer;
    if (followed === request.redirectsMax) {
      throw new NetworkError('TOO_MANY_REDIRECTS', `stopped after ${request.redirectsMax} redirects`);
    }
    hop = nextHop(hop, answer);
  }
}

/** As browsers and Go do it: 307 and 308 repeat the request, the others become a GET. */
function nextHop(hop: HttpRequest, answer: HttpAnswer): HttpRequest {
  const { location } = answer.headers;
  if (location === undefined) {
    throw new NetworkError('NO_LOCATION', `${answer.status} response missing Location header`);
  }
  if (!URL.canParse(location, hop.url)) {
    throw new NetworkError('BAD_LOCATION', `failed to parse Location header "${location.slice(0, 200)}"`);
  }
  const from = new URL(hop.url);
  const to = new URL(location, hop.url);
  if (to.protocol !== 'http:' && to.protocol !== 'https:') {
    throw new NetworkError('BAD_LOCATION', `unsupported protocol scheme "${to.protocol.slice(0, -1)}"`);
  }
  const repeats = answer.status === 307 || answer.status === 308;
  // What was meant for one host is not told to another.
  const headers = hop.headers.filter(
    ([name]) => to.host === from.host || !/^(?:host|authorization|cookie|proxy-authorization)$/i.test(name),
  );
  return {
    ...hop,
    url: to.href,
    headers: repeats ? headers : headers.filter(([name]) => !/^content-/i.test(name)),
    method: repeats || hop.method === 'HEAD' ? hop.method : 'GET',
    body: repeats ? hop.body : '',
  };
}

async function ask(request: HttpRequest, leftMs: number, lookup: LookupFunction): Promise<HttpAnswer> {
  const undici = loadUndici();
  const url = new URL(request.url);
  const target = targetOf(url);
  let certificate: CertificateFacts | null = null;
  const connector = undici.buildConnector({
    ...(url.protocol === 'https:' && request.tls ? await tlsOptions(request.tls, target.host) : {}),
    ...(request.socketPath === undefined ? {} : { socketPath: request.socketPath }),
    lookup,
    timeout: 0,
  } as buildConnector.BuildOptions);
  const servername = request.tls?.serverName || (isIP(target.host) === 0 ? target.host : undefined);
  // Destroying a client does not end a connection that is still being made, so it is held here.
  let socket: Socket | undefined;
  const client = new undici.Client(url.origin, {
    headersTimeout: 0,
    bodyTimeout: 0,
    connect(options, callback) {
      // The name to verify is that of the URL or of the definition, never that of a Host header.
      const wanted = servername === undefined ? options : { ...options, servername };
      socket = connector(wanted, (...result) => {
        if (socket instanceof TLSSocket && result[0] === null) certificate = certificateOf(socket);
        callback(...result);
      }) as unknown as Socket;
    },
  });
  try {
    const answer = await dispatch(client, request, url, leftMs);
    return { ...answer, certificate };
  } catch (error) {
    const where = request.socketPath ?? target;
    throw networkError(error, request.socketPath === undefined ? 'tcp' : 'unix', where);
  } finally {
    socket?.destroy();
  }
}

function targetOf(url: URL): Endpoint {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return { host, port: Number(url.port) || (url.protocol === 'https:' ? 443 : 80) };
}

/** Sends the request and gathers the answer; in the end the connection is gone, whatever happened. */
function dispatch(
  client: Client,
  request: HttpRequest,
  url: URL,
  leftMs: number,
): Promise<Omit<HttpAnswer, 'certificate'>> {
  return new Promise((resolve, reject) => {
    let answer: Omit<HttpAnswer, 'certificate' | 'body'> | null = null;
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    const close = () => {
      clearTimeout(timer);
      request.signal?.removeEventListener('abort', onAbort);
      client.destroy().catch(() => {});
    };
    // Closing makes errors of its own; by then the promise is settled.
    const fail = (error: unknown) => {
      reject(error);
      close();
    };
    const finish = () => {
      const body = Buffer.concat(chunks).subarray(0, request.bodyBytesMax);
      if (answer === null) reject(new NetworkError('EOF', 'EOF'));
      else resolve({ ...answer, body });
      close();
    };
    const onAbort = () => fail(new NetworkError('ABORTED', 'the check was stopped'));
    const timer = setTimeout(
      () => fail(new NetworkError('ETIMEDOUT', answer === null ? noAnswer : noBody)),
      Math.max(0, leftMs),
    );
    request.signal?.addEventListener('abort', onAbort, { once: true });
    client.dispatch(
      {
        path: `${url.pathname}${url.search}`,
        method: request.method as 'GET',
        headers: headersOf(request, url),
        body: request.body.length === 0 ? null : request.body,
        reset: true,
      },
      {
        onRequestStart() {},
        onResponseStart(_controller, status, headers, statusText) {
          if (status < 200) return;
          answer = { status, statusText: statusText ?? '', headers: joined(headers) };
        },
        onResponseData(_controller, chunk) {
          chunks.push(chunk);
          bytes += chunk.length;
          if (bytes >= request.bodyBytesMax) finish();
        },
        onResponseEnd: finish,
        onResponseError: (_controller, error) => fail(closedEarly(error)),
      },
    );
  });
}

function headersOf(request: HttpRequest, url: URL): string[] {
  const flat = request.headers.flat();
  const given = (wanted: string) => request.headers.some(([name]) => name.toLowerCase() === wanted);
  if (url.username !== '' && !given('authorization')) {
    const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    flat.push('authorization', `Basic ${Buffer.from(credentials).toString('base64')}`);
  }
  return flat;
}

function joined(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), [value ?? ''].flat().join(', ')]),
  );
}

/** Go's words, which stand in the output of many a Consul check. */
const noAnswer = 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)';
const noBody = 'context deadline exceeded (Client.Timeout or context cancellation while reading body)';

function closedEarly(error: Error): Error {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'UND_ERR_SOCKET' ? new NetworkError('EOF', 'EOF') : error;
}
