/**
 * Prints every event, and keeps its place in a file, so that it goes on where it was: after a lost connection, at another
 * agent, and after a restart of its own. What is printed last before a crash may be printed again.
 *
 *     node dist/examples/listeners/listen.js STATE_FILE AGENT_URL…
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect } from 'rollcall/client';

const [stateFile, ...agents] = process.argv.slice(2);
if (stateFile === undefined || agents.length === 0) {
  console.error('usage: listen.js STATE_FILE AGENT_URL…');
  process.exit(2);
}

const client = connect(agents, { onTrouble: (message) => console.error(message) });
for await (const record of client.records(readPlace(stateFile))) {
  if ('Offset' in record) {
    const { Offset, Time, Kind, Node, Check, From, To } = record;
    console.log(Offset, Time, Kind, Node, Check, `${From}>${To}`);
    keepPlace(stateFile, Offset);
  } else if ('Gap' in record) {
    const { From, To } = record.Gap;
    console.error(`events ${From} to ${To} are no longer kept: read /v1/events/snapshot`);
    keepPlace(stateFile, To);
  } else if ('Position' in record) keepPlace(stateFile, record.Position);
}

/** Offsets count within one log; without a file: from the first event that is kept. */
function readPlace(file: string): { after: number; log?: string } {
  try {
    const [after, log] = readFileSync(file, 'utf8').split(' ');
    return log === undefined ? { after: Number(after) } : { after: Number(after), log };
  } catch {
    return { after: 0 };
  }
}

/** The file is replaced as a whole, so that a crash leaves the old place or the new one. */
function keepPlace(file: string, offset: number): void {
  writeFileSync(`${file}.new`, `${offset} ${client.log}`);
  renameSync(`${file}.new`, file);
}
