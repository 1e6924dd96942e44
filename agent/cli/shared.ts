/** What most commands share: which agent to ask, and in which form to answer. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../../proto/duration.ts';
import { Api, defaultHttpAddress } from './api.ts';
import type { Io } from './io.ts';

export type Format = 'table' | 'json';

export interface SharedOptions {
  readonly httpAddr?: string;
  readonly format: Format;
}

/** A file of this folder that is one command. */
export interface CommandModule {
  command(io: Io): Command;
}

/** `--format table|json` */
export function withFormat(command: Command): Command {
  return command.addOption(
    new Option('--format <form>', 'table for people, json for programs')
      .choices(['table', 'json'])
      .default('table'),
  );
}

/** `--http-addr` and `--format`. */
export function withAgent(command: Command): Command {
  const address = new Option(
    '--http-addr <address>',
    `HTTP address of the agent (default: ${defaultHttpAddress})`,
  );
  // Shown in the help; the value is looked up in `apiOf`, so that tests need no process environment.
  return withFormat(command.addOption(address)).addHelpText(
    'after',
    '\nROLLCALL_HTTP_ADDR names the agent where --http-addr does not.',
  );
}

export function apiOf(options: { readonly httpAddr?: string }, io: Io): Api {
  return new Api(options.httpAddr ?? (io.env.ROLLCALL_HTTP_ADDR || defaultHttpAddress));
}

export function printJson(io: Io, value: unknown): Promise<void> {
  return io.print(`${JSON.stringify(value, null, 2)}\n`);
}

/** A flag that may be given several times. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** A whole number that is not negative, for an option. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/** Milliseconds from `10s`, for an option. */
export function durationMs(text: string): number {
  const parsed = parseDuration(text);
  if (!parsed.ok || parsed.ms <= 0)
    throw new InvalidArgumentError('It must be a duration such as 10s or 5m.');
  return parsed.ms;
}
