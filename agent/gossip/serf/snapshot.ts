/**
 * What survives a restart, line by line as Serf writes it: who was there, and where the Lamport clocks stood. A file
 * that ends in the middle of a line, or with lines that nobody understands, tells what the rest of it says.
 */
import { formatAddress, parseAddress } from '../../../proto/address.ts';
import { isExpected } from '../../../proto/errors.ts';
import type { Endpoint } from '../../../proto/ports.ts';

/** Last used Lamport times; 0 when there was none. */
export interface ClockTimes {
  readonly member: number;
  readonly event: number;
  readonly query: number;
}

export interface SnapshotContent {
  /** Members that were there at the end, by name. */
  readonly alive: ReadonlyMap<string, Endpoint>;
  readonly clocks: ClockTimes;
}

export function readSnapshot(text: string): SnapshotContent {
  const alive = new Map<string, Endpoint>();
  let clocks = { member: 0, event: 0, query: 0 };
  // What stands behind the last line feed was being written when the process ended.
  const lines = text.split('\n').slice(0, -1);
  for (const line of lines) {
    const space = line.indexOf(' ');
    const word = space === -1 ? line : line.slice(0, space);
    const rest = space === -1 ? '' : line.slice(space + 1);
    switch (word) {
      case 'alive:':
        readAlive(rest, alive);
        break;
      case 'not-alive:':
        alive.delete(rest);
        break;
      case 'clock:':
        clocks = { ...clocks, member: readTime(rest) };
        break;
      case 'event-clock:':
        clocks = { ...clocks, event: readTime(rest) };
        break;
      case 'query-clock:':
        clocks = { ...clocks, query: readTime(rest) };
        break;
      case 'leave':
        alive.clear();
        clocks = { member: 0, event: 0, query: 0 };
    }
  }
  return { alive, clocks };
}

/** A whole snapshot, for a file that has grown too long. */
export function writeSnapshot({ alive, clocks }: SnapshotContent): string {
  const members = [...alive].map(([name, endpoint]) => aliveLine(name, endpoint));
  return members.join('') + clockLines(clocks);
}

export function aliveLine(name: string, endpoint: Endpoint): string {
  return `alive: ${name} ${formatAddress(endpoint)}\n`;
}

export function notAliveLine(name: string): string {
  return `not-alive: ${name}\n`;
}

export function clockLines(clocks: ClockTimes): string {
  return `clock: ${clocks.member}\nevent-clock: ${clocks.event}\nquery-clock: ${clocks.query}\n`;
}

export const leaveLine = 'leave\n';

/** Names may hold spaces; the address is behind the last one. */
function readAlive(text: string, into: Map<string, Endpoint>): void {
  const space = text.lastIndexOf(' ');
  if (space <= 0) return;
  try {
    into.set(text.slice(0, space), parseAddress(text.slice(space + 1), 0));
  } catch (error) {
    if (!isExpected(error)) throw error;
  }
}

function readTime(text: string): number {
  const time = Number(text);
  return Number.isSafeInteger(time) && time >= 0 ? time : 0;
}
