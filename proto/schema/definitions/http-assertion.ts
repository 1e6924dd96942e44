/** What an HTTP answer has to be like, beyond Consul's rule for its status. */
import { z } from 'zod';
import { duration, type Refuse, textOrList } from './fields.ts';

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** A value, or bounds of a number. */
const expectation = z.union(
  [
    scalar,
    z.strictObject({
      equals: scalar.optional(),
      not: scalar.optional(),
      min: z.number().optional(),
      max: z.number().optional(),
    }),
  ],
  { error: 'must be a value, or a map with equals, not, min or max' },
);

const statuses = z.union([z.int(), z.string(), z.array(z.union([z.int(), z.string()]))], {
  error: 'must be a status such as 200, "2xx" or "200-204", or a list of them',
});

export const assertion = z
  .strictObject({
    status: statuses
      .optional()
      .describe('Statuses that are passing, instead of all of 2xx: 200, "2xx", "200-204".'),
    header: z.record(z.string(), z.string()).optional().describe('Values of headers; * stands for anything.'),
    body: textOrList.optional().describe('Texts that the body has to contain.'),
    body_not: textOrList.optional().describe('Texts that the body must not contain.'),
    json: z
      .record(z.string(), expectation)
      .optional()
      .describe('What the body holds as JSON: "$.status": green, "$.queue[0].depth": { max: 100 }.'),
    latency: z
      .strictObject({ warning: duration.optional(), critical: duration.optional() })
      .optional()
      .describe('From this time on the answer was slow.'),
    certificate_days: z
      .strictObject({ warning: z.number().optional(), critical: z.number().optional() })
      .optional()
      .describe('The certificate has to be good for more days than this.'),
  })
  .describe('What the answer has to be like.');

/** Statuses from `from` to `to`, both included. */
export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

export interface JsonExpectation {
  /** Keys and positions on the way to the value. */
  readonly path: ReadonlyArray<string | number>;
  /** The path as it was written. */
  readonly text: string;
  readonly equals?: string | number | boolean | null;
  readonly not?: string | number | boolean | null;
  readonly min?: number;
  readonly max?: number;
}

export interface HttpAssertion {
  /** null: Consul's rule. */
  readonly statuses: readonly StatusRange[] | null;
  readonly headers: ReadonlyArray<{ readonly name: string; readonly pattern: string }>;
  readonly bodyContains: readonly string[];
  readonly bodyLacks: readonly string[];
  readonly json: readonly JsonExpectation[];
  readonly warningMs: number | null;
  readonly criticalMs: number | null;
  readonly certificateWarningDays: number | null;
  readonly certificateCriticalDays: number | null;
}

export function assertionOf(raw: z.output<typeof assertion>, refuse: Refuse): HttpAssertion {
  const ranges =
    raw.status === undefined ? null : [raw.status].flat().map((text) => statusRange(text, refuse));
  return {
    statuses: ranges,
    headers: Object.entries(raw.header ?? {}).map(([name, pattern]) => ({
      name: name.toLowerCase(),
      pattern,
    })),
    bodyContains: [raw.body ?? []].flat(),
    bodyLacks: [raw.body_not ?? []].flat(),
    json: Object.entries(raw.json ?? {}).map(([text, wanted]) => ({
      path: jsonPath(text, refuse),
      text,
      ...(typeof wanted === 'object' && wanted !== null ? wanted : { equals: wanted }),
    })),
    warningMs: raw.latency?.warning ?? null,
    criticalMs: raw.latency?.critical ?? null,
    certificateWarningDays: raw.certificate_days?.warning ?? null,
    certificateCriticalDays: raw.certificate_days?.critical ?? null,
  };
}

function statusRange(text: string | number, refuse: Refuse): StatusRange {
  const family = /^([1-5])xx$/i.exec(String(text));
  if (family) return { from: Number(family[1]) * 100, to: Number(family[1]) * 100 + 99 };
  const range = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(String(text));
  if (range) return { from: Number(range[1]), to: Number(range[2] ?? range[1]) };
  refuse(['assert', 'status'], `"${text}" is no status such as 200, "2xx" or "200-204"`);
  return { from: 0, to: 0 };
}

/** `$.a.b[0]["odd key"]`; the `$` may be left out. */
function jsonPath(text: string, refuse: Refuse): Array<string | number> {
  const path: Array<string | number> = [];
  const step = /\.?([\p{L}\p{N}_-]+)|\[(\d+)\]|\["([^"]*)"\]/uy;
  step.lastIndex = text.startsWith('$') ? 1 : 0;
  while (step.lastIndex < text.length) {
    const found = step.exec(text);
    if (found === null) {
      refuse(['assert', 'json'], `"${text}" is no path such as $.status or $.queue[0].depth`);
      return path;
    }
    path.push(found[2] === undefined ? (found[1] ?? found[3]!) : Number(found[2]));
  }
  return path;
}
