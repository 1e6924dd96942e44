import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { readArchive } from '../../../agent/snapshot-archive.ts';
import { ExpectedError } from '../../../proto/errors.ts';
import type { Rpc } from '../../../proto/rpc.ts';
import { snapshotBytes } from '../../../proto/store/snapshot-file.ts';
import { stage } from './stage.ts';

const membership = { voters: ['a'], outgoing: null, learners: [], addresses: {} };
const meta = { index: 13, term: 2, membership, membershipIndex: 1 };
const header = {
  meta,
  logId: 'log-1',
  firstOffset: 1,
  lastOffset: 9,
  timeMs: 0,
  clusterId: 'c',
  nodeId: 'a',
};

/** Servers that hold two pieces, and what they were told of a restore. */
async function servers(failing: ExpectedError[] = []) {
  const state: Uint8Array[] = [];
  for await (const part of snapshotBytes(header, [Buffer.from('one'), Buffer.from('two')])) state.push(part);
  const whole = Buffer.concat(state);
  const sha256 = createHash('sha256').update(whole).digest('hex');
  const steps: unknown[] = [];
  const about = { meta, size: whole.length, sha256, index: 13, offset: 9, logId: 'log-1' };
  const rpc = {
    call: async (_: string, params: { id: string; step: string; records?: Uint8Array }) => {
      const failure = failing.shift();
      if (failure !== undefined) throw failure;
      steps.push(params.records === undefined ? params.step : Buffer.from(params.records).toString());
      return {};
    },
    async *stream(_: string, { stale }: { stale: boolean }) {
      if (!stale && failing.length > 0) throw failing.shift();
      yield { ...about, knownLeader: !stale, lastContactMs: 0 };
      for (const bytes of state) yield { bytes };
    },
  } as unknown as Rpc;
  return { rpc, steps };
}

async function saved(rpc: Rpc): Promise<Buffer> {
  const on = await stage({ rpc });
  return (await on.request('/v1/snapshot')).bytes;
}

test('the archive and the headers that say how fresh it is', async () => {
  const { rpc } = await servers([new ExpectedError('NO_LEADER')]);
  const on = await stage({ rpc });
  expect(await on.request('/v1/snapshot')).toMatchObject({ status: 500, text: 'No cluster leader' });
  const answer = await on.request('/v1/snapshot?stale');
  expect(answer.status).toBe(200);
  const headers = [
    'Content-Type',
    'X-Consul-Index',
    'X-Consul-KnownLeader',
    'X-Consul-Effective-Consistency',
  ];
  expect(headers.map((name) => answer.header(name))).toEqual(['application/x-gzip', '13', 'false', null]);
  const pieces: string[] = [];
  const taker = {
    header: () => {},
    piece: (piece: Uint8Array) => void pieces.push(Buffer.from(piece).toString()),
  };
  await readArchive([answer.bytes] as unknown as AsyncIterable<Uint8Array>, taker);
  expect(pieces).toEqual(['one', 'two']);
});

test('its pieces go to the servers one after the other; a step whose answer was lost is said again', async () => {
  const { rpc, steps } = await servers();
  const archive = await saved(rpc);
  const failing = [new ExpectedError('NO_LEADER'), new ExpectedError('CONNECTION_LOST')];
  const shaky = await servers(failing);
  for (const each of [{ rpc, steps }, shaky]) {
    const on = await stage({ rpc: each.rpc });
    const answer = await on.request('/v1/snapshot', { method: 'PUT', body: archive });
    expect(answer).toMatchObject({ status: 200, text: '' });
    expect(each.steps).toEqual(['begin', 'one', 'two', 'finish']);
  }
});

test('what is not whole has no effect, and what the servers refuse is told', async () => {
  const { rpc, steps } = await servers();
  const archive = await saved(rpc);
  const on = await stage({ rpc });
  for (const body of [Buffer.from('garbage'), archive.subarray(0, archive.length - 5), Buffer.alloc(0)]) {
    const answer = await on.request('/v1/snapshot', { method: 'PUT', body });
    expect(answer).toMatchObject({ status: 500, text: expect.stringContaining('snapshot') });
  }
  expect(steps).not.toContain('finish');
  const refusing = await servers([new ExpectedError('NOT_FOUND', 'another one took its place')]);
  const answer = await (await stage({ rpc: refusing.rpc })).request('/v1/snapshot', {
    method: 'PUT',
    body: archive,
  });
  expect(answer).toMatchObject({ status: 500, text: 'another one took its place' });
});
