/**
 * Real programs that some tests compare us with. Where one is missing the test skips itself and says why;
 * CI installs all of them and sets ROLLCALL_REQUIRE_PEERS, which turns a missing one into a failure.
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe } from 'vitest';

/** Where programs lie that a user's PATH may lack; the last is Debian's folder of Nagios plugins. */
const systemFolders = ['/usr/sbin', '/sbin', '/usr/lib/nagios/plugins'];

/** Path of a program on PATH or in a folder of the system, or undefined. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...systemFolders];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A suite that needs these programs. */
export function describeWithPeers(title: string, programs: readonly string[], suite: () => void): void {
  const missing = programs.filter((name) => findProgram(name) === undefined);
  if (missing.length === 0) {
    describe(title, suite);
    return;
  }
  const reason = `${missing.join(', ')} not installed`;
  if (process.env.ROLLCALL_REQUIRE_PEERS) {
    throw new Error(`${title}: ${reason}, but this run requires every peer`);
  }
  console.log(`skipped: ${title}: ${reason}`);
  describe.skip(`${title} (${reason})`, suite);
}
