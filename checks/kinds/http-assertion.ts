/** Whether an HTTP answer is what its definition expects, and if not, in which point. */
import type { HttpAnswer } from '../../proto/host-ports.ts';
import type { HttpAssertion, JsonExpectation } from '../../proto/schema/definitions.ts';
import { textOf } from '../output.ts';

const dayMs = 86_400_000;
/** Of a value that is shown in the reason. */
const shownLengthMax = 200;

export interface Failure {
  readonly status: 'warning' | 'critical';
  readonly text: string;
}

export interface Answered {
  readonly answer: HttpAnswer;
  readonly latencyMs: number;
  /** Unix milliseconds, for the age of the certificate. */
  readonly wallMs: number;
}

export function failuresOf(assertion: HttpAssertion | null, answered: Answered): Failure[] {
  if (assertion === null) return [];
  const { answer, latencyMs, wallMs } = answered;
  return [
    ...statusFailures(assertion, answer),
    ...headerFailures(assertion, answer),
    ...bodyFailures(assertion, answer),
    ...jsonFailures(assertion, answer),
    ...latencyFailures(assertion, latencyMs),
    ...certificateFailures(assertion, answer, wallMs),
  ];
}

function failed(text: string): Failure {
  return { status: 'critical', text };
}

function statusFailures({ statuses }: HttpAssertion, { status }: HttpAnswer): Failure[] {
  if (statuses === null || statuses.some(({ from, to }) => status >= from && status <= to)) return [];
  const wanted = statuses.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
  return [failed(`status is ${status}, wanted ${wanted}`)];
}

function headerFailures({ headers }: HttpAssertion, answer: HttpAnswer): Failure[] {
  return headers.flatMap(({ name, pattern }) => {
    const value = answer.headers[name];
    if (value === undefined) return [failed(`header ${name} is missing`)];
    return matches(pattern, value)
      ? []
      : [failed(`header ${name} is "${shown(value)}", wanted "${pattern}"`)];
  });
}

/** `*` stands for anything. Case does not matter, as in most headers. */
function matches(pattern: string, value: string): boolean {
  const parts = pattern.toLowerCase().split('*');
  const text = value.toLowerCase();
  if (parts.length === 1) return text === parts[0];
  const first = parts[0]!;
  const last = parts.at(-1)!;
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last))
    return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= text.length - last.length;
}

function bodyFailures({ bodyContains, bodyLacks }: HttpAssertion, answer: HttpAnswer): Failure[] {
  if (bodyContains.length + bodyLacks.length === 0) return [];
  const body = textOf(answer.body);
  return [
    ...bodyContains.filter((text) => !body.includes(text)).map((text) => failed(`body lacks "${text}"`)),
    ...bodyLacks.filter((text) => body.includes(text)).map((text) => failed(`body contains "${text}"`)),
  ];
}

function jsonFailures({ json }: HttpAssertion, answer: HttpAnswer): Failure[] {
  if (json.length === 0) return [];
  let root: unknown;
  try {
    root = JSON.parse(textOf(answer.body));
  } catch {
    return [failed('body is no JSON')];
  }
  return json.flatMap((wanted) => {
    const value = valueAt(root, wanted.path);
    const wrong = value === undefined ? 'is missing' : wrongWith(wanted, value);
    return wrong === null ? [] : [failed(`${wanted.text} ${wrong}`)];
  });
}

function valueAt(root: unknown, path: JsonExpectation['path']): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

function wrongWith(wanted: JsonExpectation, value: unknown): string | null {
  const is = `is ${shown(JSON.stringify(value))}`;
  const text = (expected: unknown) => JSON.stringify(expected);
  if (wanted.equals !== undefined && value !== wanted.equals) return `${is}, wanted ${text(wanted.equals)}`;
  if (wanted.not !== undefined && value === wanted.not) return `${is}, which it must not be`;
  if (wanted.min === undefined && wanted.max === undefined) return null;
  if (typeof value !== 'number') return `${is}, wanted a number`;
  if (wanted.min !== undefined && value < wanted.min) return `${is}, wanted at least ${wanted.min}`;
  return wanted.max !== undefined && value > wanted.max ? `${is}, wanted at most ${wanted.max}` : null;
}

function latencyFailures({ warningMs, criticalMs }: HttpAssertion, latencyMs: number): Failure[] {
  const text = `the answer took ${Math.round(latencyMs)} ms`;
  if (criticalMs !== null && latencyMs >= criticalMs) return [failed(text)];
  return warningMs !== null && latencyMs >= warningMs ? [{ status: 'warning', text }] : [];
}

function certificateFailures(
  { certificateWarningDays, certificateCriticalDays }: HttpAssertion,
  { certificate }: HttpAnswer,
  wallMs: number,
): Failure[] {
  if (certificateWarningDays === null && certificateCriticalDays === null) return [];
  if (certificate === null) return [failed('there is no certificate')];
  const days = (certificate.validToMs - wallMs) / dayMs;
  const text = `the certificate is good for ${Math.floor(days)} more days`;
  if (certificateCriticalDays !== null && days <= certificateCriticalDays) return [failed(text)];
  return certificateWarningDays !== null && days <= certificateWarningDays
    ? [{ status: 'warning', text }]
    : [];
}

function shown(text: string): string {
  return text.length > shownLengthMax ? `${text.slice(0, shownLengthMax)}…` : text;
}
