/** Names of readers whose position the servers keep. */

const nameLengthMax = 128;
const share = /^$|^([1-9]\d{0,3})\/([1-9]\d{0,3})$/;

export function isCursorName(name: string): boolean {
  return name.length >= 1 && name.length <= nameLengthMax;
}

/** `''` for all of the log, `i/n` for the i-th of n shares of it, from 1. */
export function isCursorShare(text: string): boolean {
  const match = share.exec(text);
  return match !== null && Number(match[1] ?? 1) <= Number(match[2] ?? 1);
}
