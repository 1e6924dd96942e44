/** What a run of a check has shown, for people. */
import { harmless } from './io.ts';

export interface ShownOutcome {
  readonly status: string;
  readonly output: string;
  readonly metrics: ReadonlyArray<{ readonly name: string; readonly value: number; readonly unit: string }>;
  readonly details: Readonly<Record<string, unknown>>;
  readonly durationMs: number;
}

/** The first line names the result; the others are indented. Nothing that a program printed steers the terminal. */
export function outcomeLines(title: string, shown: ShownOutcome): string[] {
  const output = shown.output.trimEnd();
  return [
    `${title}: ${shown.status} after ${Math.round(shown.durationMs)} ms`,
    ...(output === '' ? [] : output.split('\n').map((line) => `  | ${harmless(line)}`)),
    ...shown.metrics.map(
      ({ name, value, unit }) => `  ${harmless(name)} = ${rounded(value)}${harmless(unit)}`,
    ),
    ...Object.entries(shown.details).map(([name, value]) => `  ${harmless(name)}: ${rounded(value)}`),
  ];
}

function rounded(value: unknown): string {
  return typeof value === 'number' ? String(Number(value.toFixed(3))) : harmless(String(value));
}
