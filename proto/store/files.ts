/** Small files that are there as a whole or not at all. */
import type { Disk } from '../ports.ts';

/**
 * Temporary name, flush, rename, flush of the folder: a crash at any point leaves the old content or the new. Rejects
 * with what the disk reports.
 */
export async function writeFileAtomically(
  disk: Disk,
  path: string,
  bytes: Uint8Array,
  options: { readonly mode?: number } = {},
): Promise<void> {
  const temporary = `${path}.tmp`;
  // A leftover of a crash may have other rights than the ones that are asked for now.
  await disk.remove(temporary);
  const file = await disk.open(temporary, { create: true, exclusive: true, mode: options.mode ?? 0o644 });
  try {
    await file.write(0, bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(temporary, path);
  await disk.syncFolder(path.slice(0, path.lastIndexOf('/')) || '/');
}

/** The parsed content, `undefined` when there is no such file. Throws a SyntaxError when it is no JSON. */
export async function readJson(disk: Disk, path: string): Promise<unknown> {
  const bytes = await disk.readFile(path);
  return bytes === undefined ? undefined : JSON.parse(Buffer.from(bytes).toString('utf8'));
}

export async function writeJsonAtomically(
  disk: Disk,
  path: string,
  value: unknown,
  options: { readonly mode?: number } = {},
): Promise<void> {
  await writeFileAtomically(disk, path, Buffer.from(`${JSON.stringify(value, null, 2)}\n`), options);
}
