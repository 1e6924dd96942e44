import { expect, test } from 'vitest';
import { failuresOf } from '../../../checks/kinds/http-assertion.ts';
import type { HttpAnswer } from '../../../proto/host-ports.ts';
import type { HttpAssertion, SpecOf } from '../../../proto/schema/definitions.ts';
import { define } from '../fakes.ts';

function assertion(assert: object): HttpAssertion | null {
  return (define({ http: 'http://x/', interval: '10s', assert }).spec as SpecOf<'http'>).assertion;
}

const day = 86_400_000;
const green: HttpAnswer = {
  status: 200,
  statusText: 'OK',
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: Buffer.from('{"status":"green","queue":[{"depth":7}],"ready":true,"none":null}'),
  certificate: { subject: 'x', validToMs: 10 * day },
};

/** What is wrong, as `status: text`. */
function wrong(assert: object, answer: Partial<HttpAnswer> = {}, latencyMs = 30): string[] {
  const failures = failuresOf(assertion(assert), { answer: { ...green, ...answer }, latencyMs, wallMs: 0 });
  return failures.map(({ status, text }) => `${status}: ${text}`);
}

test.each([
  [{ status: 200 }],
  [{ status: ['2xx', 404] }],
  [{ header: { 'Content-Type': 'application/json*' } }],
  [{ header: { 'content-type': '*JSON*utf-8' } }],
  [{ body: 'green', body_not: ['red', 'amber'] }],
  [{ json: { '$.status': 'green', ready: true, none: null, 'queue[0].depth': { min: 1, max: 7 } } }],
  [{ latency: { warning: '31ms', critical: '1s' } }],
  [{ certificate_days: { warning: 9, critical: 3 } }],
])('%j holds', (assert) => {
  expect(wrong(assert)).toEqual([]);
});

test.each([
  [{ status: [204, '3xx'] }, 'critical: status is 200, wanted 204, 300-399'],
  [{ header: { 'X-Missing': '*' } }, 'critical: header x-missing is missing'],
  [
    { header: { 'Content-Type': 'text/*' } },
    'critical: header content-type is "application/json; charset=utf-8", wanted "text/*"',
  ],
  [{ body: ['green', 'ready!'] }, 'critical: body lacks "ready!"'],
  [{ body_not: 'green' }, 'critical: body contains "green"'],
  [{ json: { '$.status': 'red' } }, 'critical: $.status is "green", wanted "red"'],
  [{ json: { '$.nope.deep': 1 } }, 'critical: $.nope.deep is missing'],
  [{ json: { 'queue[0].depth': { max: 5 } } }, 'critical: queue[0].depth is 7, wanted at most 5'],
  [{ json: { 'queue[0].depth': { min: 8 } } }, 'critical: queue[0].depth is 7, wanted at least 8'],
  [{ json: { status: { max: 5 } } }, 'critical: status is "green", wanted a number'],
  [{ json: { status: { not: 'green' } } }, 'critical: status is "green", which it must not be'],
  [{ json: { constructor: 1 } }, 'critical: constructor is missing'],
  [{ latency: { warning: '30ms', critical: '1s' } }, 'warning: the answer took 30 ms'],
  [{ latency: { critical: '20ms' } }, 'critical: the answer took 30 ms'],
  [{ certificate_days: { warning: 14, critical: 7 } }, 'warning: the certificate is good for 10 more days'],
  [{ certificate_days: { critical: 10 } }, 'critical: the certificate is good for 10 more days'],
])('%j does not hold', (assert, text) => {
  expect(wrong(assert)).toEqual([text]);
});

test('a body that is no JSON, and an answer without a certificate', () => {
  expect(wrong({ json: { a: 1 } }, { body: Buffer.from('<html>') })).toEqual(['critical: body is no JSON']);
  expect(wrong({ certificate_days: { warning: 1 } }, { certificate: null })).toEqual([
    'critical: there is no certificate',
  ]);
});

test('all that is wrong is told at once', () => {
  expect(wrong({ status: 201, body: 'x', latency: { warning: '1ms' } })).toHaveLength(3);
});
