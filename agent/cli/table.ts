/** Rows as columns for people: aligned, separated by two spaces, the last one as long as it likes. */
import { harmless } from './io.ts';

/** A table with its header; '' never makes a column collapse. Ends with a newline. */
export function formatTable(header: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const lines = [header, ...rows].map((row) => row.map(harmless));
  const widths = header.map((_, column) => Math.max(...lines.map((line) => width(line[column] ?? ''))));
  const text = lines.map((line) =>
    line
      .map((cell, column) =>
        column === line.length - 1 ? cell : cell + ' '.repeat(widths[column]! - width(cell)),
      )
      .join('  ')
      .trimEnd(),
  );
  return `${text.join('\n')}\n`;
}

/** Code points are a good guess of the width on a terminal. */
function width(text: string): number {
  return [...text].length;
}
