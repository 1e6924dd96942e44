/** Lines for people, on standard error, so that standard output stays free for answers of commands. */
import { pino } from 'pino';
import type { Logger } from '../proto/logger.ts';
import type { AgentConfig } from './config/agent-config.ts';

export interface AgentLogger extends Logger {
  /** Takes effect at once. */
  setLevel(level: AgentConfig['logLevel']): void;
}

export function makeLogger(
  settings: Pick<AgentConfig, 'logLevel' | 'logJson' | 'nodeName'>,
  write: (line: string) => void = (line) => void process.stderr.write(line),
): AgentLogger {
  const destination = { write: settings.logJson ? write : (line: string) => write(forPeople(line)) };
  const logger = pino(
    {
      level: settings.logLevel,
      base: { node: settings.nodeName },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  const line =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (text: string, fields: Readonly<Record<string, unknown>> = {}) =>
      logger[level](fields, text);
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    setLevel: (level) => {
      logger.level = level;
    },
  };
}

/** `2026-11-22T03:12:00.000Z warn cannot join … key=value`. Control characters of strangers' texts stay harmless. */
function forPeople(json: string): string {
  const { level, time, node: _node, msg, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const rest = Object.entries(fields).map(([key, value]) => ` ${key}=${JSON.stringify(value)}`);
  const text = `${time} ${level} ${msg}${rest.join('')}`;
  return `${text.replace(/\p{Cc}/gu, ' ')}\n`;
}
