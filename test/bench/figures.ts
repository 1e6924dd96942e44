/** What benchmarks print: medians and ratios, and what the kernel knows of a process. */
import { readFileSync } from 'node:fs';

/** Length of a clock tick in /proc/PID/stat; 100 a second on every Linux that Node runs on. */
const tickMs = 10;

/** The value below which `part` (0 to 1) of all values lie; NaN when there are none. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** `312 ms (290 to 345, 9 runs)` */
export function spread(values: readonly number[], unit: string, digits = 0): string {
  const [low, middle, high] = [0, 0.5, 1].map((part) => quantile(values, part).toFixed(digits));
  return `${middle} ${unit} (${low} to ${high}, ${values.length} runs)`;
}

/** Ours over the peer's, beside what it may be at most. */
export function ratioLine(what: string, ours: number, peers: number, atMost: number): string {
  return `${what}: ratio ${(ours / peers).toFixed(2)} (at most ${atMost})`;
}

/** Processor time that a process has used since its start, its threads included. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}

export function rssMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

/** How busy the machine is while the figures are taken: on a shared one only ratios count. */
export function machineLine(): string {
  const [load] = readFileSync('/proc/loadavg', 'utf8').split(' ');
  return `load of the machine ${load}, node ${process.version}`;
}
