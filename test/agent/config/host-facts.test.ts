import { isIP } from 'node:net';
import { expect, test } from 'vitest';
import { thisHost } from '../../../agent/config/host-facts.ts';

test('this host has a name, a folder and addresses without link-local ones', () => {
  const host = thisHost();
  expect(host.hostname).not.toBe('');
  expect(host.folder).toBe(process.cwd());
  for (const { address, family } of host.addresses) {
    expect(isIP(address)).toBe(family);
    expect(address).not.toMatch(/^fe80:/i);
  }
});
