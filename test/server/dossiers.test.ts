import { expect, test } from 'vitest';
import { type Dossier, Dossiers } from '../../server/dossiers.ts';
import { VirtualClock } from '../sim/clock.ts';

const any = () => true;

function dossierOf(node: string, incarnation = 1): Dossier {
  return { node, nodeId: `id-${node}`, incarnation, evidence: `${node} ${incarnation}` };
}

test('one that is there already is had at once', async () => {
  const clock = new VirtualClock();
  const dossiers = new Dossiers(clock);
  expect(dossiers.receive(dossierOf('web-1'))).toBe(false);
  expect(await dossiers.wait('web-1', 300, any)).toEqual(dossierOf('web-1'));
});

test('one that is not there is waited for, and only if it fits', async () => {
  const clock = new VirtualClock();
  const dossiers = new Dossiers(clock);
  const waiting = dossiers.wait('web-1', 300, ({ incarnation }) => incarnation >= 2);
  expect(dossiers.receive(dossierOf('web-1', 1))).toBe(false);
  expect(dossiers.receive(dossierOf('web-2', 2))).toBe(false);
  expect(dossiers.receive(dossierOf('web-1', 2))).toBe(true);
  expect((await waiting)?.incarnation).toBe(2);
});

test('after the wait there is none', async () => {
  const clock = new VirtualClock();
  const dossiers = new Dossiers(clock);
  const waiting = dossiers.wait('web-1', 300, any);
  await clock.settleFor(300);
  expect(await waiting).toBeNull();
});

test('what is kept is bounded, and what belongs to a former life is forgotten', async () => {
  const clock = new VirtualClock();
  const dossiers = new Dossiers(clock);
  for (let i = 0; i <= 2_000; i++) dossiers.receive(dossierOf(`web-${i}`));
  dossiers.forget('web-7');
  const found = ['web-0', 'web-7', 'web-8'].map((node) => dossiers.wait(node, 1, any));
  await clock.settleFor(1);
  expect((await Promise.all(found)).map((dossier) => dossier?.node ?? null)).toEqual([null, null, 'web-8']);
});
