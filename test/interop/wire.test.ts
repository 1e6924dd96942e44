/**
 * What our codec writes, a stock Serf agent understands, and the other way round: plain, compressed and
 * encrypted. No agent of ours takes part; a peer of a hundred lines speaks with the codec's words only.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodePingPayload } from '../../proto/gossip/coordinate.ts';
import type { SerfQuery, SerfUserEvent } from '../../proto/gossip/messages.ts';
import { queryFlagAck, responseFlagAck } from '../../proto/gossip/messages.ts';
import { decodeSerf, encodeSerf } from '../../proto/gossip/serf.ts';
import { decodeTags } from '../../proto/gossip/tags.ts';
import { describeWithPeers } from '../peers.ts';
import { type SerfProcess, startSerf, until } from './serf-process.ts';
import { WirePeer, type WireSettings } from './wire-peer.ts';

const key16 = new Uint8Array(16).fill(1);
const key32 = new Uint8Array(32).fill(2);

const dialects: ReadonlyArray<readonly [title: string, settings: WireSettings]> = [
  ['plain', { compress: false, crc: false }],
  ['compressed, with checksums', { compress: true, crc: true }],
  ['encrypted with 16 bytes', { compress: false, crc: false, key: key16 }],
  ['encrypted with 32 bytes, compressed', { compress: true, crc: true, key: key32 }],
  ['encrypted as in old times', { compress: true, crc: false, key: key32, sealVersion: 0 }],
];

describeWithPeers('the wire, against stock Serf', ['serf'], () => {
  describe.each(dialects)('%s', (_, settings) => {
    const ours = new WirePeer('ours', settings);
    let serf: SerfProcess;

    beforeAll(async () => {
      await ours.start();
      serf = await startSerf({
        name: 'stock',
        tags: { role: 'web', rack: 'r7' },
        compression: settings.compress,
        eventHandlers: ['user:deploy=cat > payload'],
        ...(settings.key === undefined ? {} : { encryptKey: Buffer.from(settings.key).toString('base64') }),
      });
    });

    afterAll(async () => {
      ours.stop();
      await serf?.stop();
      // Whatever the agent said in the meantime was readable.
      expect(ours.refusals).toEqual([]);
    });

    test('a ping is answered over UDP, with a coordinate, and over TCP', async () => {
      const ping = {
        type: 'ping',
        seqNo: 4242,
        node: 'stock',
        sourceAddr: ours.addr,
        sourcePort: ours.port,
        sourceNode: 'ours',
      } as const;
      ours.send(serf.port, ping);
      const ack = await until('an ack', () => ours.heard.find(isAckOf(4242)));
      expect(ack.type === 'ackResp' && decodePingPayload(ack.payload)?.error).toBe(1.5);

      expect(await ours.exchange(serf.port, ping)).toEqual({ type: 'ackResp', seqNo: 4242, payload: null });
    });

    test('a join is answered with what it knows, and it lists us with our tags', async () => {
      const answer = await ours.join(
        serf,
        new Map([
          ['role', 'db'],
          ['color', 'grün'],
        ]),
      );
      if (typeof answer === 'string' || answer.type !== 'pushPull') throw new Error(`no answer: ${answer}`);
      expect(answer.join).toBe(true);
      const [node] = answer.nodes;
      expect(node).toMatchObject({ name: 'stock', port: serf.port, state: 'alive', incarnation: 1 });
      expect(Object.fromEntries(decodeTags(node!.meta))).toEqual({ role: 'web', rack: 'r7' });
      const state = decodeSerf(answer.userState).message;
      expect(state?.type === 'serf.pushPull' && [...state.statusLtimes.keys()]).toEqual(['stock']);

      await until('our name', async () => (await serf.statusOf('ours')) === 'alive');
      const member = (await serf.members()).find(({ name }) => name === 'ours');
      expect(member).toMatchObject({ addr: `127.0.0.1:${ours.port}`, tags: { role: 'db', color: 'grün' } });
    });

    test('a user event of ours is delivered with its payload, one of its own reaches us', async () => {
      const event: SerfUserEvent = {
        type: 'serf.userEvent',
        ltime: 5,
        name: 'deploy',
        payload: Buffer.from('version 1.2.3 '.repeat(10)),
        cc: false,
      };
      ours.sendSerf(serf.port, event);
      // The handler adds the end of the line.
      const delivered = await until('the event', () => serf.handlerOutput('payload') || undefined);
      expect(delivered).toBe(`${'version 1.2.3 '.repeat(10)}\n`);

      await serf.event('restart', 'now');
      const heard = await until('its event', () =>
        ours.heardSerf.find((message) => message.type === 'serf.userEvent' && message.name === 'restart'),
      );
      expect(heard).toMatchObject({
        ltime: 6,
        payload: new Uint8Array(Buffer.from('now')),
        cc: false,
      });
    });

    test('a query of its own is acked and answered by us', async () => {
      const asked = serf.query('uptime', 'please', ['-timeout=500ms']);
      const { ltime, id, flags, payload, port } = await until('its query', () => queryOf(ours, 'uptime'));
      expect(flags).toBe(queryFlagAck);
      expect(payload).toEqual(new Uint8Array(Buffer.from('please')));

      const response = { type: 'serf.queryResponse', ltime, id, from: 'ours' } as const;
      ours.sendSerf(port, { ...response, flags: responseFlagAck, payload: null });
      ours.sendSerf(port, { ...response, flags: 0, payload: Buffer.from('five days') });
      const { acks, responses } = await asked;
      expect(acks).toContain('ours');
      expect(responses).toEqual({ ours: 'five days' });
    });

    test('it pings us and is content with our acks', async () => {
      await until('a ping', () => ours.heard.some(({ type }) => type === 'ping'));
      expect(await serf.statusOf('ours')).toBe('alive');
      expect(serf.log).not.toContain('Suspect ours');
    });

    // Without a key there is nothing to list.
    if (settings.key !== undefined) {
      test('a list of keys with our answer in it is complete', async () => {
        const asked = serf.keys('-list');
        const { ltime, id, port } = await until('its query', () => queryOf(ours, '_serf_list-keys'));
        const primaryKey = Buffer.from(settings.key!).toString('base64');
        const keys = {
          type: 'serf.keyResponse',
          result: true,
          message: '',
          keys: [primaryKey],
          primaryKey,
        } as const;
        const response = { type: 'serf.queryResponse', ltime, id, from: 'ours', flags: 0 } as const;
        ours.sendSerf(port, { ...response, payload: encodeSerf(keys) });
        expect(await asked).toMatch(/= +\[2\/2\]/);
      });
    }

    test('we say goodbye and have left', async () => {
      ours.sendSerf(serf.port, { type: 'serf.leave', ltime: 50, node: 'ours', prune: false });
      ours.send(serf.port, { type: 'dead', incarnation: 1, node: 'ours', from: 'ours' });
      await until('our leave', async () => (await serf.statusOf('ours')) === 'left');
    });
  });

  test('an agent with other settings answers why not, and we can read it', async () => {
    const plain = new WirePeer('plain', { compress: false, crc: false });
    const sealed = new WirePeer('sealed', { compress: false, crc: false, key: key16 });
    await Promise.all([plain.start(), sealed.start()]);
    const serf = await startSerf({ name: 'stock' });
    try {
      // A plain agent answers in plain what an encrypted one takes only sealed.
      expect(await sealed.join(serf, new Map())).toBe('not-encrypted');
      expect(await plain.join(serf, new Map())).toMatchObject({ type: 'pushPull' });
    } finally {
      plain.stop();
      sealed.stop();
      await serf.stop();
    }
  });
});

function queryOf(peer: WirePeer, name: string): SerfQuery | undefined {
  return peer.heardSerf.find(
    (message): message is SerfQuery => message.type === 'serf.query' && message.name === name,
  );
}

function isAckOf(seqNo: number) {
  return (message: { type: string; seqNo?: number }) => message.type === 'ackResp' && message.seqNo === seqNo;
}
