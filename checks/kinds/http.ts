/** Asks a URL: 2xx is passing, 429 warning, anything else critical, as Consul has it, or what `assert` says. */
import { STATUS_CODES } from 'node:http';
import { messageOf } from '../../proto/errors.ts';
import { type HttpAnswer, type HttpClient, NetworkError } from '../../proto/host-ports.ts';
import type { Clock } from '../../proto/ports.ts';
import type { HttpAssertion, SpecOf } from '../../proto/schema/definitions.ts';
import type { ResultStatus } from '../check.ts';
import { firstBytes, textOf } from '../output.ts';
import { failuresOf } from './http-assertion.ts';
import { type CheckKind, critical, type Outcome } from './kind.ts';

/** As Go's client. */
const redirectsMax = 10;
/** Of a body that is looked into; without assertions no more is read than is shown. */
const assertedBytesMax = 1_048_576;

const usualHeaders = [
  ['User-Agent', 'Consul Health Check'],
  ['Accept', 'text/plain, text/*, */*'],
] as const;

type HttpSpec = SpecOf<'http'>;

export function httpKind(http: HttpClient, clock: Pick<Clock, 'nowMs' | 'wallMs'>): CheckKind<HttpSpec> {
  return {
    async run(spec, context) {
      const startedAtMs = clock.nowMs();
      try {
        const answer = await http.request({
          method: spec.method,
          url: spec.url,
          headers: withUsual(spec.headers),
          body: spec.body,
          timeoutMs: context.timeoutMs,
          bodyBytesMax: looksIntoBody(spec.assertion) ? assertedBytesMax : context.outputBytesMax,
          redirectsMax: spec.followRedirects ? redirectsMax : 0,
          tls: spec.tls,
          signal: context.signal,
        });
        const latencyMs = clock.nowMs() - startedAtMs;
        return judge(spec, answer, latencyMs, clock.wallMs(), context.outputBytesMax);
      } catch (error) {
        if (!(error instanceof NetworkError)) throw error;
        return critical(`${capital(spec.method)} "${spec.url}": ${messageOf(error)}`);
      }
    },
  };
}

function withUsual(headers: HttpSpec['headers']): HttpSpec['headers'] {
  const given = new Set(headers.map(([name]) => name.toLowerCase()));
  return [...headers, ...usualHeaders.filter(([name]) => !given.has(name.toLowerCase()))];
}

function looksIntoBody(assertion: HttpAssertion | null): boolean {
  if (assertion === null) return false;
  return assertion.json.length + assertion.bodyContains.length + assertion.bodyLacks.length > 0;
}

function judge(
  spec: HttpSpec,
  answer: HttpAnswer,
  latencyMs: number,
  wallMs: number,
  outputBytesMax: number,
): Outcome {
  const failures = failuresOf(spec.assertion, { answer, latencyMs, wallMs });
  const reason = answer.statusText || STATUS_CODES[answer.status] || '';
  const body = textOf(firstBytes(answer.body, outputBytesMax));
  const answered = `HTTP ${spec.method} ${spec.url}: ${answer.status} ${reason} Output: ${body}`;
  const output = [...failures.map((failure) => failure.text), answered].join('\n');
  const statuses: ResultStatus[] = failures.map((failure) => failure.status);
  if (spec.assertion?.statuses == null) statuses.push(statusOf(answer.status));
  return { status: worst(statuses), output, details: { httpStatus: answer.status, latencyMs } };
}

function statusOf(httpStatus: number): ResultStatus {
  if (httpStatus >= 200 && httpStatus <= 299) return 'passing';
  return httpStatus === 429 ? 'warning' : 'critical';
}

function worst(statuses: readonly ResultStatus[]): ResultStatus {
  if (statuses.includes('critical')) return 'critical';
  return statuses.includes('warning') ? 'warning' : 'passing';
}

/** `Get "http://…"`: how Go begins an error of a request. */
function capital(method: string): string {
  return method.charAt(0).toUpperCase() + method.slice(1).toLowerCase();
}
