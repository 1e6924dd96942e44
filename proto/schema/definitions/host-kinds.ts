/** Kinds of checks that look at this host without running a program, and those that are not run at all. */
import { z } from 'zod';
import { duration, durationLimit, limit, numberLimit, percentLimit } from './fields.ts';
import { kindSchema, networkTimeoutMs } from './kind.ts';

const looked = { timetable: 'required', timeoutMs: networkTimeoutMs } as const;
const limits = { warning: limit.optional(), critical: limit.optional() };

export const disk = kindSchema({
  kind: 'disk',
  chosenBy: ['disk'],
  ...looked,
  keys: {
    disk: z.string().optional().describe('Path whose file system must have room; limits in percent used.'),
    ...limits,
  },
  spec(raw, refuse) {
    if (!(raw.disk ?? '').startsWith('/')) refuse('disk', 'must be an absolute path');
    return {
      kind: 'disk' as const,
      path: raw.disk ?? '/',
      warningPercent: percentLimit('warning', raw.warning, 80, refuse),
      criticalPercent: percentLimit('critical', raw.critical, 90, refuse),
    };
  },
});

export const memory = kindSchema({
  kind: 'memory',
  chosenBy: ['memory'],
  ...looked,
  keys: {
    memory: z.boolean().optional().describe('Look at the memory of the host; limits in percent used.'),
    ...limits,
  },
  spec(raw, refuse) {
    return {
      kind: 'memory' as const,
      warningPercent: percentLimit('warning', raw.warning, 85, refuse),
      criticalPercent: percentLimit('critical', raw.critical, 95, refuse),
    };
  },
});

export const load = kindSchema({
  kind: 'load',
  chosenBy: ['load'],
  ...looked,
  keys: {
    load: z
      .union([z.literal([1, 5, 15]), z.boolean()], { error: 'must be true, 1, 5 or 15 (minutes)' })
      .optional()
      .describe('Look at the load average over 1, 5 (the same as true) or 15 minutes; limits per processor.'),
    ...limits,
  },
  spec(raw, refuse) {
    return {
      kind: 'load' as const,
      minutes: typeof raw.load === 'number' ? raw.load : (5 as const),
      warningPerCpu: numberLimit('warning', raw.warning, 2, refuse),
      criticalPerCpu: numberLimit('critical', raw.critical, 4, refuse),
    };
  },
});

export const processes = kindSchema({
  kind: 'process',
  chosenBy: ['process'],
  ...looked,
  keys: {
    process: z.string().optional().describe('Name or full path of a program that has to run.'),
    process_min: z.int().nonnegative().optional().describe('Fewer are critical; default: 1.'),
    process_max: z.int().nonnegative().optional().describe('More are critical.'),
  },
  spec(raw, refuse) {
    const min = raw.process_min ?? 1;
    if (raw.process_max !== undefined && raw.process_max < min) {
      refuse('process_max', `must not be less than process_min (${min})`);
    }
    return { kind: 'process' as const, program: raw.process ?? '', min, max: raw.process_max ?? null };
  },
});

export const fileAge = kindSchema({
  kind: 'file_age',
  chosenBy: ['file_age'],
  ...looked,
  keys: {
    file_age: z
      .string()
      .optional()
      .describe('File that must have been written lately; limits are durations.'),
    ...limits,
  },
  spec(raw, refuse) {
    if (!(raw.file_age ?? '').startsWith('/')) refuse('file_age', 'must be an absolute path');
    const warningMs = durationLimit('warning', raw.warning, null, refuse);
    const criticalMs = durationLimit('critical', raw.critical, null, refuse);
    if (warningMs === null && criticalMs === null) refuse('file_age', 'needs a limit: warning or critical');
    return { kind: 'file_age' as const, path: raw.file_age ?? '', warningMs, criticalMs };
  },
});

export const clock = kindSchema({
  kind: 'clock',
  chosenBy: ['clock'],
  ...looked,
  keys: {
    clock: z
      .boolean()
      .optional()
      .describe("Compare this host's clock with the leader's; limits are durations."),
    ...limits,
  },
  spec(raw, refuse) {
    return {
      kind: 'clock' as const,
      warningMs: durationLimit('warning', raw.warning, 500, refuse),
      criticalMs: durationLimit('critical', raw.critical, 5_000, refuse),
    };
  },
});

export const ttl = kindSchema({
  kind: 'ttl',
  chosenBy: ['ttl'],
  timetable: 'none',
  timeoutMs: networkTimeoutMs,
  keys: {
    ttl: duration
      .optional()
      .describe('The status has to be fed within this time, or the check turns critical.'),
  },
  spec(raw) {
    return { kind: 'ttl' as const, ttlMs: raw.ttl ?? 0 };
  },
});

export const alias = kindSchema({
  kind: 'alias',
  chosenBy: ['alias_node', 'alias_service'],
  timetable: 'optional',
  timeoutMs: networkTimeoutMs,
  keys: {
    alias_node: z.string().optional().describe('Node whose health to follow; default: this one.'),
    alias_service: z
      .string()
      .optional()
      .describe("Service whose health to follow; default: the node's checks."),
  },
  spec(raw) {
    return { kind: 'alias' as const, node: raw.alias_node ?? '', service: raw.alias_service ?? '' };
  },
});
