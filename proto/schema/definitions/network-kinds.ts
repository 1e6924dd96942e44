/** Kinds of checks that ask somebody over the network. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { isHost } from '../../address.ts';
import { durationLimit, endpointField, limit, numberLimit, tlsKeys, tlsSettings } from './fields.ts';
import { assertion, assertionOf } from './http-assertion.ts';
import { kindSchema, networkTimeoutMs } from './kind.ts';

const asked = { timetable: 'required', timeoutMs: networkTimeoutMs } as const;

export const http = kindSchema({
  kind: 'http',
  chosenBy: ['http'],
  ...asked,
  keys: {
    http: z.string().optional().describe('URL to ask. 2xx is passing, 429 warning, anything else critical.'),
    method: z.string().optional().describe('Default: GET.'),
    header: z
      .record(z.string(), z.union([z.string(), z.array(z.string())], { error: 'must be a list of strings' }))
      .optional()
      .describe('Headers to send; each has a list of values.'),
    body: z.string().optional(),
    disable_redirects: z.boolean().optional().describe('Take a redirect as the answer.'),
    ...tlsKeys,
    assert: assertion.optional(),
  },
  spec(raw, refuse) {
    const url = raw.http ?? '';
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
      refuse('http', 'must be a URL that begins with http:// or https://');
    }
    const method = (raw.method ?? '') === '' ? 'GET' : raw.method!;
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method)) refuse('method', 'is no HTTP method');
    const headers = Object.entries(raw.header ?? {}).flatMap(([name, values]) =>
      [values].flat().map((value) => [name, value] as const),
    );
    for (const [name, value] of headers) {
      if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) refuse('header', `"${name}" is no name of a header`);
      if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) refuse('header', `the value of ${name} cannot be sent`);
    }
    return {
      kind: 'http' as const,
      url,
      method,
      headers,
      body: raw.body ?? '',
      followRedirects: !(raw.disable_redirects ?? false),
      tls: tlsSettings(raw, refuse),
      assertion: raw.assert === undefined ? null : assertionOf(raw.assert, refuse),
    };
  },
});

export const tcp = kindSchema({
  kind: 'tcp',
  chosenBy: ['tcp'],
  ...asked,
  keys: {
    tcp: z.string().optional().describe('HOST:PORT that has to take a connection.'),
    tcp_use_tls: z.boolean().optional().describe('Shake hands with TLS, too.'),
    ...tlsKeys,
  },
  spec(raw, refuse) {
    return {
      kind: 'tcp' as const,
      target: endpointField('tcp', raw.tcp ?? '', refuse),
      tls: (raw.tcp_use_tls ?? false) ? tlsSettings(raw, refuse) : null,
    };
  },
});

export const udp = kindSchema({
  kind: 'udp',
  chosenBy: ['udp'],
  ...asked,
  keys: {
    udp: z.string().optional().describe('HOST:PORT. An answer or silence is passing, a refusal critical.'),
  },
  spec(raw, refuse) {
    return { kind: 'udp' as const, target: endpointField('udp', raw.udp ?? '', refuse) };
  },
});

export const grpc = kindSchema({
  kind: 'grpc',
  chosenBy: ['grpc'],
  ...asked,
  keys: {
    grpc: z.string().optional().describe('HOST:PORT[/SERVICE] that answers the gRPC health protocol.'),
    grpc_use_tls: z.boolean().optional(),
    ...tlsKeys,
  },
  spec(raw, refuse) {
    const [address = '', ...service] = (raw.grpc ?? '').split('/');
    return {
      kind: 'grpc' as const,
      target: endpointField('grpc', address, refuse),
      service: service.join('/'),
      tls: (raw.grpc_use_tls ?? false) ? tlsSettings(raw, refuse) : null,
    };
  },
});

export const h2ping = kindSchema({
  kind: 'h2ping',
  chosenBy: ['h2ping'],
  ...asked,
  keys: {
    h2ping: z.string().optional().describe('HOST:PORT that answers a PING of HTTP/2.'),
    h2ping_use_tls: z.boolean().optional().describe('Default: true.'),
    ...tlsKeys,
  },
  spec(raw, refuse) {
    return {
      kind: 'h2ping' as const,
      target: endpointField('h2ping', raw.h2ping ?? '', refuse),
      tls: (raw.h2ping_use_tls ?? true) ? tlsSettings(raw, refuse) : null,
    };
  },
});

export const dns = kindSchema({
  kind: 'dns',
  chosenBy: ['dns'],
  ...asked,
  keys: {
    dns: z.string().optional().describe('Name that has to resolve.'),
    dns_type: z
      .enum(['A', 'AAAA', 'CNAME', 'MX', 'NS', 'PTR', 'SRV', 'TXT'])
      .optional()
      .describe('Default: A.'),
    dns_server: z.string().optional().describe("Server to ask, IP[:PORT]; default: the host's."),
    dns_expect: z.array(z.string()).optional().describe('Answers that must all be there.'),
  },
  spec(raw, refuse) {
    const name = raw.dns ?? '';
    if (!isHost(name)) refuse('dns', `"${name}" is no host name`);
    const server =
      (raw.dns_server ?? '') === '' ? null : endpointField('dns_server', raw.dns_server!, refuse, 53);
    if (server !== null && isIP(server.host) === 0) refuse('dns_server', 'must be an IP address');
    return { kind: 'dns' as const, name, type: raw.dns_type ?? 'A', server, expect: raw.dns_expect ?? [] };
  },
});

export const tls = kindSchema({
  kind: 'tls',
  chosenBy: ['tls'],
  ...asked,
  keys: {
    tls: z
      .string()
      .optional()
      .describe('HOST:PORT whose certificate must be good for more days than the limits.'),
    warning: limit.optional(),
    critical: limit.optional(),
    ...tlsKeys,
  },
  spec(raw, refuse) {
    return {
      kind: 'tls' as const,
      target: endpointField('tls', raw.tls ?? '', refuse, 443),
      tls: tlsSettings(raw, refuse),
      warningDays: numberLimit('warning', raw.warning, 21, refuse),
      criticalDays: numberLimit('critical', raw.critical, 7, refuse),
    };
  },
});

export const icmp = kindSchema({
  kind: 'icmp',
  chosenBy: ['icmp'],
  ...asked,
  keys: {
    icmp: z.string().optional().describe('Host that has to answer a ping.'),
    warning: limit.optional(),
    critical: limit.optional(),
  },
  spec(raw, refuse) {
    const host = raw.icmp ?? '';
    if (!isHost(host)) refuse('icmp', `"${host}" is neither an IP address nor a host name`);
    return {
      kind: 'icmp' as const,
      host,
      warningMs: durationLimit('warning', raw.warning, null, refuse),
      criticalMs: durationLimit('critical', raw.critical, null, refuse),
    };
  },
});
