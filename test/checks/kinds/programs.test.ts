import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { icmpKind } from '../../../checks/kinds/icmp.ts';
import { osServiceKind } from '../../../checks/kinds/os-service.ts';
import type { SpecOf } from '../../../proto/schema/definitions.ts';
import { define } from '../fakes.ts';
import { context, realSandbox } from '../real-host.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'rollcall-programs-'));
afterAll(() => rmSync(folder, { recursive: true }));
const environment = { PATH: `${folder}:/usr/bin:/bin` };
const { sandbox } = realSandbox({ environment });
const { sandbox: bare } = realSandbox({ environment: { PATH: '/nowhere' } });

/** Puts a program in front of the host's own. */
function program(name: string, script: string): void {
  writeFileSync(path.join(folder, name), `#!/bin/sh\n${script}\n`);
  chmodSync(path.join(folder, name), 0o755);
}

program(
  'systemctl',
  `[ "$1 $2" = "is-active --" ] || exit 9
   case "$3" in
     nginx.service) echo active; exit 0;;
     slow.service) echo activating; exit 3;;
     lost.service) echo 'System has not been booted with systemd'; exit 1;;
     *) echo inactive; exit 3;;
   esac`,
);
program(
  'ping',
  `for host; do :; done
   case "$host" in
     192.0.2.1) echo "64 bytes from 192.0.2.1: icmp_seq=1 ttl=64 time=12.5 ms"; exit 0;;
     *) echo "1 packets transmitted, 0 received, 100% packet loss"; exit 1;;
   esac`,
);

test.each([
  ['nginx.service', 'passing', 'Service nginx.service: active'],
  ['lost.service', 'warning', 'Service lost.service: System has not been booted with systemd'],
  ['slow.service', 'warning', 'Service slow.service: activating'],
  ['gone.service', 'critical', 'Service gone.service: inactive'],
])('os_service: %s is %s', async (unit, status, output) => {
  const { spec } = define({ os_service: unit, interval: '10s' });
  expect(await osServiceKind(sandbox).run(spec as SpecOf<'os_service'>, context())).toMatchObject({
    status,
    output,
  });
});

test.each([
  ['192.0.2.1', {}, 'passing'],
  ['192.0.2.1', { warning: '10ms' }, 'warning'],
  ['192.0.2.1', { warning: '10ms', critical: '12ms' }, 'critical'],
  ['192.0.2.2', {}, 'critical'],
])('icmp: %s with %j is %s', async (icmp, limits, status) => {
  const { spec } = define({ icmp, interval: '10s', ...limits });
  expect(await icmpKind(sandbox).run(spec as SpecOf<'icmp'>, context())).toMatchObject({ status });
});

test('a host without these programs says so', async () => {
  const ping = define({ icmp: '127.0.0.1', interval: '10s' }).spec as SpecOf<'icmp'>;
  expect(await icmpKind(bare).run(ping, context())).toMatchObject({
    status: 'critical',
    output: expect.stringMatching(
      /^icmp checks need the host's ping program: exec: "ping": executable file not found/,
    ),
  });
  const unit = define({ os_service: 'x', interval: '10s' }).spec as SpecOf<'os_service'>;
  expect(await osServiceKind(bare).run(unit, context())).toMatchObject({
    status: 'warning',
    output: expect.stringContaining('without systemctl'),
  });
});
