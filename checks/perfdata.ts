/**
 * Performance data of Nagios plugins: what follows a `|` in the first line of the output, and in the lines
 * from a second one on. `'label'=value[unit];[warn];[crit];[min];[max]`, parted by spaces.
 */

/** One measured value. `warning` and `critical` are ranges in the plugin's own notation, '' for none. */
export interface Metric {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly warning: string;
  readonly critical: string;
  readonly min: number | null;
  readonly max: number | null;
}

/** More are dropped: a plugin must not fill the memory with names. */
const metricsMax = 100;
const nameLengthMax = 200;

const item =
  /(?:'((?:[^']|'')*)'|([^'=\s][^=\s]*))=(-?[\d.]+(?:e[+-]?\d+)?)([A-Za-z%/]*)((?:;[^;\s]*){0,4})/gy;

export function parsePerfdata(output: string): Metric[] {
  const metrics: Metric[] = [];
  for (const part of perfdataParts(output)) {
    let rest = part.trimStart();
    while (rest !== '' && metrics.length < metricsMax) {
      item.lastIndex = 0;
      const found = item.exec(rest);
      const metric = found && metricOf(found);
      if (metric) metrics.push(metric);
      // What cannot be read, such as the value `U` for unknown, is stepped over.
      rest = rest.slice(found ? found[0].length : firstWordLength(rest)).trimStart();
    }
  }
  return metrics;
}

/** The part of the first line after its `|`, then that of the long text, which goes on to the end. */
function perfdataParts(output: string): string[] {
  const lineEnd = output.indexOf('\n');
  const firstLine = lineEnd === -1 ? output : output.slice(0, lineEnd);
  const longText = lineEnd === -1 ? '' : output.slice(lineEnd + 1);
  return [firstLine, longText].flatMap((text) => {
    const bar = text.indexOf('|');
    return bar === -1 ? [] : [text.slice(bar + 1)];
  });
}

function metricOf(found: RegExpExecArray): Metric | null {
  const [, quoted, bare, number, unit, rest] = found;
  const name = (quoted?.replaceAll("''", "'") ?? bare!).slice(0, nameLengthMax);
  const value = Number(number);
  if (!Number.isFinite(value)) return null;
  const [warning = '', critical = '', min = '', max = ''] = rest!.split(';').slice(1);
  return { name, value, unit: unit!, warning, critical, min: numberOf(min), max: numberOf(max) };
}

function numberOf(text: string): number | null {
  const value = Number(text);
  return text === '' || !Number.isFinite(value) ? null : value;
}

function firstWordLength(text: string): number {
  const space = text.search(/\s/);
  return space === -1 ? text.length : space;
}
