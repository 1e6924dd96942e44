/** `rollcall info`: how one agent is: itself, its servers, its journal, its place in Raft. */
import { Command } from 'commander';
import { harmless, type Io } from './io.ts';
import { apiOf, printJson, type SharedOptions, withAgent } from './shared.ts';

export function command(io: Io): Command {
  return withAgent(new Command()).action(async (options: SharedOptions) => {
    const info = await apiOf(options, io).json<Record<string, unknown>>('/v1/agent/info');
    if (options.format === 'json') return printJson(io, info);
    await io.print(formatFacts(info));
  });
}

/** Facts as lines, blocks within them indented: `Name: web-1`. Ends with a newline. */
export function formatFacts(facts: Readonly<Record<string, unknown>>): string {
  return `${lines(facts, '').join('\n')}\n`;
}

function lines(facts: Readonly<Record<string, unknown>>, indent: string): string[] {
  return Object.entries(facts).flatMap(([name, value]) => {
    const label = `${indent}${spaced(name)}:`;
    if (Array.isArray(value)) {
      if (value.length === 0) return [`${label} none`];
      return [label, ...value.map((item) => `${indent}  - ${oneLine(item)}`)];
    }
    if (typeof value === 'object' && value !== null) {
      const inner = lines(value as Record<string, unknown>, `${indent}  `);
      return inner.length === 0 ? [`${label} none`] : [label, ...inner];
    }
    return [`${label} ${oneLine(value)}`];
  });
}

function oneLine(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value !== 'object') return harmless(String(value));
  const parts = Object.entries(value).map(([name, inner]) => `${spaced(name)} ${oneLine(inner)}`);
  return parts.join(', ');
}

/** `JournalLength` → `Journal length` */
function spaced(name: string): string {
  const words = name.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2').replaceAll('_', ' ');
  const rest = words.slice(1).replaceAll(/\b[A-Z](?=[a-z])/g, (letter) => letter.toLowerCase());
  return harmless(words.slice(0, 1) + rest);
}
