/** The terminal as the commands see it: two ways out, the environment, and how a command ends early. */

export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes to standard output and resolves when the reader has room again. Rejects with `OutputClosed`. */
  print(text: string): Promise<void>;
  /** Writes to standard error, for people. */
  complain(text: string): Promise<void>;
}

/** Nobody reads our output any more (`rollcall events --follow | head -1`): the end, and no failure. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed';
}

/** A command ends with this exit code and these words; '' when all was said before. */
export class Exit extends Error {
  override readonly name = 'Exit';
  readonly code: number;

  constructor(code: number, message = '') {
    super(message);
    this.code = code;
  }
}

/** Something went wrong that the user did not cause by the way they typed it. */
export const exitFailed = 1;
/** Wrong usage: an unknown flag, a missing argument. */
export const exitUsage = 2;

export function processIo(): Io {
  // Without a listener the error of a closed pipe would end the process with a stack trace.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  return {
    env: process.env,
    print: (text) => write(process.stdout, text),
    complain: (text) => write(process.stderr, text).catch(() => {}),
  };
}

function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => (error ? reject(new OutputClosed(error.message)) : resolve()));
  });
}

/** Text from elsewhere, safe to show: without control characters, so that it cannot steer the terminal. */
export function harmless(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) =>
    character === '\t' || character === '\n' ? ' ' : '\u{fffd}',
  );
}
