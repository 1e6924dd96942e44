/** The gossip keyring on disk: a JSON list of base64 keys, the one that seals first, readable by nobody else. */
import { dirname } from 'node:path';
import { ExpectedError } from '../proto/errors.ts';
import type { Disk } from '../proto/ports.ts';
import { Keyring, keyFromBase64, keyToBase64 } from './gossip/keyring.ts';

/**
 * The file counts as soon as it exists, because keys may have been rotated since the configuration was written; before
 * that, the configured keys. Throws BAD_REQUEST for a file or a key that makes no sense.
 */
export async function loadKeyring(
  disk: Disk,
  path: string | null,
  configured: readonly string[],
): Promise<Keyring> {
  const bytes = path === null ? undefined : await disk.readFile(path);
  // A ring is only kept where encryption is wanted: without a configured key the file is none of our business.
  if (bytes === undefined || path === null || configured.length === 0) return ringOf(configured);
  return ringOf(parseRing(path, Buffer.from(bytes).toString('utf8')));
}

export async function saveKeyring(disk: Disk, path: string, keyring: Keyring): Promise<void> {
  const next = `${path}.new`;
  await disk.makeFolder(dirname(path));
  await disk.remove(next);
  const file = await disk.open(next, { create: true, exclusive: true, mode: 0o600 });
  const text = `${JSON.stringify(keyring.keys.map(keyToBase64), null, 2)}\n`;
  await file.write(0, Buffer.from(text, 'utf8'));
  await file.sync();
  await file.close();
  await disk.rename(next, path);
  await disk.syncFolder(dirname(path));
}

function ringOf(keys: readonly string[]): Keyring {
  return new Keyring(keys.map(keyFromBase64));
}

function parseRing(path: string, text: string): readonly string[] {
  const keys = parseJson(text);
  if (Array.isArray(keys) && keys.length > 0 && keys.every((key) => typeof key === 'string')) return keys;
  throw new ExpectedError(
    'BAD_REQUEST',
    `the gossip keyring ${path} is no JSON list of keys; repair it, or remove it to start from the configured key`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
