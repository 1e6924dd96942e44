import { expect, test } from 'vitest';
import { ExpectedError } from '../../proto/errors.ts';
import { ReadBarriers } from '../../server/read-barriers.ts';

/** Barriers whose fate is noted as it becomes known. */
function bench() {
  const barriers = new ReadBarriers();
  const contexts: number[] = [];
  const fates: string[] = [];
  const read = (name: string) => {
    barriers
      .wait((context) => contexts.push(context))
      .then(
        () => fates.push(name),
        (error: ExpectedError) => fates.push(`${name} ${error.code}`),
      );
  };
  const seen = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    return fates.splice(0);
  };
  return { barriers, contexts, read, seen };
}

test('a read goes on when its index is applied, not when it is confirmed', async () => {
  const { barriers, contexts, read, seen } = bench();
  read('early');
  read('late');
  barriers.answered(
    contexts.map((context, i) => ({ context, index: 5 + i })),
    5,
    's1',
  );
  expect(await seen()).toEqual(['early']);
  barriers.applied(5);
  expect(await seen()).toEqual([]);
  barriers.applied(6);
  expect(await seen()).toEqual(['late']);
});

test('an answer to nobody changes nothing; one without an index is no leader', async () => {
  const { barriers, contexts, read, seen } = bench();
  read('a');
  barriers.answered([{ context: 99, index: 1 }], 5, 's1');
  expect(await seen()).toEqual([]);
  barriers.answered([{ context: contexts[0]!, index: null }], 5, 's2');
  expect(await seen()).toEqual(['a NOT_LEADER']);
});

test('whoever waits is told when the server stops', async () => {
  const { barriers, contexts, read, seen } = bench();
  read('asked');
  read('confirmed');
  barriers.answered([{ context: contexts[1]!, index: 9 }], 5, 's1');
  barriers.stop(new ExpectedError('STOPPING'));
  expect(await seen()).toEqual(['asked STOPPING', 'confirmed STOPPING']);
});
