import { expect, test } from 'vitest';
import { chooseAdvertise } from '../../../agent/config/advertise.ts';
import type { HostAddress } from '../../../agent/config/host-facts.ts';

const at = (address: string, name = 'eth0'): HostAddress => ({
  interface: name,
  address,
  family: address.includes(':') ? 6 : 4,
  loopback: name === 'lo',
});

test('a bound address is told as it is', () => {
  expect(chooseAdvertise('127.0.0.1', [])).toEqual({ ok: true, host: '127.0.0.1' });
  expect(chooseAdvertise('203.0.113.7', [])).toEqual({ ok: true, host: '203.0.113.7' });
});

test('0.0.0.0 gives way to the one private IPv4 address', () => {
  const host = [at('127.0.0.1', 'lo'), at('203.0.113.7'), at('10.0.0.5', 'eth1'), at('2001:db8::5')];
  expect(chooseAdvertise('0.0.0.0', host)).toEqual({ ok: true, host: '10.0.0.5' });
});

test(':: gives way to the one public IPv6 address', () => {
  const host = [at('::1', 'lo'), at('fd00::5'), at('2001:db8::5'), at('10.0.0.5')];
  expect(chooseAdvertise('::', host)).toEqual({ ok: true, host: '2001:db8::5' });
});

test('none or several: a person must choose, and is told among what', () => {
  expect(chooseAdvertise('0.0.0.0', [at('127.0.0.1', 'lo')])).toEqual({
    ok: false,
    message:
      'this host has no private IPv4 address to tell the others: set advertise_addr (--advertise) or bind_addr (--bind)',
  });
  expect(chooseAdvertise('0.0.0.0', [at('10.0.0.5'), at('172.17.0.1', 'docker0')])).toEqual({
    ok: false,
    message: expect.stringContaining('10.0.0.5 (eth0), 172.17.0.1 (docker0)'),
  });
});
