import { expect, test } from 'vitest';
import { SeededRandom } from '../random.ts';
import { judge, type Operation } from './linearizable.ts';
import { judgeRegister, type RegisterAction, register } from './register.ts';

type History = Operation<RegisterAction>[];

function write(value: string, invoked: number, returned: number | null): Operation<RegisterAction> {
  return { action: { kind: 'write', value }, invoked, returned };
}

function read(value: string | null, invoked: number, returned: number | null): Operation<RegisterAction> {
  return { action: { kind: 'read', value }, invoked, returned };
}

test.each<[string, History]>([
  ['nothing', []],
  ['one after the other', [write('a', 1, 2), read('a', 3, 4), write('b', 5, 6), read('b', 7, 8)]],
  ['a read beside a write sees the old value', [write('a', 1, 2), write('b', 3, 6), read('a', 4, 5)]],
  ['a read beside a write sees the new value', [write('a', 1, 2), write('b', 3, 6), read('b', 4, 5)]],
  ['nothing was written yet', [read(null, 1, 2), write('a', 3, 4)]],
  [
    'two writes at once, in either order',
    [write('a', 1, 4), write('b', 2, 3), read('a', 5, 6), read('a', 7, 8)],
  ],
  ['a write without an answer takes effect late', [write('a', 1, null), read(null, 2, 3), read('a', 4, 5)]],
  [
    'a write without an answer never takes effect',
    [write('a', 1, 2), write('b', 3, null), read('a', 4, 5), read('a', 6, 7)],
  ],
  [
    'a write without an answer takes effect behind a later one',
    [write('a', 1, null), write('b', 2, 3), read('b', 4, 5), read('a', 6, 7)],
  ],
])('%s: linearizable', (_, history) => {
  expect(judgeRegister(history)).toBe('linearizable');
  expect(judge(history, register)).toBe('linearizable');
});

test.each<[string, History]>([
  ['a value from nowhere', [write('a', 1, 2), read('b', 3, 4)]],
  ['a stale read behind an acknowledged write', [write('a', 1, 2), write('b', 3, 4), read('a', 5, 6)]],
  ['an acknowledged write is lost', [write('a', 1, 2), read(null, 3, 4)]],
  ['the new value, then the old one', [write('a', 1, 2), write('b', 3, 8), read('b', 4, 5), read('a', 6, 7)]],
  [
    'two readers do not agree on the order',
    [write('a', 1, 4), write('b', 2, 3), read('a', 5, 6), read('b', 7, 8), read('a', 9, 10)],
  ],
  [
    'a write without an answer comes and goes',
    [write('a', 1, 2), write('b', 3, null), read('b', 4, 5), read('a', 6, 7)],
  ],
  ['a value is read before it was written', [read('a', 1, 2), write('a', 3, 4)]],
  ['one write takes effect twice', [write('a', 1, 2), write('b', 3, 4), read('b', 5, 6), read('a', 7, 8)]],
])('%s: not linearizable', (_, history) => {
  expect(judgeRegister(history)).toBe('not linearizable');
  expect(judge(history, register)).toBe('not linearizable');
});

test('it says what trying all orders says: 3,000 small histories', () => {
  const seen = { linearizable: 0, 'not linearizable': 0, undecided: 0 };
  for (let seed = 1; seed <= 3_000; seed++) {
    const history = drawHistory(new SeededRandom(seed));
    const expected = tryAllOrders(history) ? 'linearizable' : 'not linearizable';
    expect(judge(history, register), JSON.stringify(history)).toBe(expected);
    expect(judgeRegister(history), JSON.stringify(history)).toBe(expected);
    seen[expected] += 1;
  }
  expect(Math.min(seen.linearizable, seen['not linearizable'])).toBeGreaterThan(300);
});

test('hundreds of operations of many clients, many of them without an answer, are no effort', () => {
  const random = new SeededRandom('long');
  const history: History = [];
  let moment = 0;
  let value: string | null = null;
  for (let round = 0; round < 150; round++) {
    const begun = Array.from({ length: 4 }, () => ++moment);
    for (const [n, invoked] of begun.entries()) {
      if (random.chance(0.1)) history.push(write(`lost ${round} ${n}`, invoked, null));
      else if (random.chance(0.5)) {
        value = `${round} ${n}`;
        history.push(write(value, invoked, ++moment));
      } else history.push(read(value, invoked, ++moment));
    }
  }
  expect(judgeRegister(history)).toBe('linearizable');
  const last = history.findLastIndex(({ action }) => action.kind === 'read');
  history.push(read('0 0', moment + 1, moment + 2));
  expect(last).toBeGreaterThan(0);
  expect(judgeRegister(history)).toBe('not linearizable');
});

test('a crowd that writes all at once is no effort, when nobody reads what it wrote', () => {
  const history: History = [write('before', 1, 2)];
  for (let n = 0; n < 40; n++) history.push(write(`crowd ${n}`, 10 + n, 1_000 - n));
  history.push(write('after', 2_000, 2_001), read('after', 2_002, 2_003));
  expect(judgeRegister(history)).toBe('linearizable');
  history.push(read('before', 2_004, 2_005));
  expect(judgeRegister(history)).toBe('not linearizable');
});

/** Up to six operations on few values, with overlaps, lost answers and, now and then, lies. */
function drawHistory(random: SeededRandom): History {
  const count = random.int(2, 7);
  const moments = random.shuffle(Array.from({ length: 2 * count }, (_, n) => n));
  let writes = 0;
  return Array.from({ length: count }, (_, n) => {
    const [a, b] = [moments[2 * n]!, moments[2 * n + 1]!];
    const invoked = Math.min(a, b);
    const returned = random.chance(0.2) ? null : Math.max(a, b);
    if (writes > 0 && random.chance(0.1)) return write(`v${writes}`, invoked, returned);
    if (random.chance(0.5)) return write(`v${++writes}`, invoked, returned);
    return read(random.pick([null, 'v1', 'v2', 'v3']), invoked, returned);
  });
}

function tryAllOrders(history: History): boolean {
  const go = (left: History, state: string | null): boolean => {
    if (left.every(({ returned }) => returned === null)) return true;
    return left.some((next) => {
      const blocked = left.some(({ returned }) => returned !== null && returned < next.invoked);
      const after = blocked ? undefined : register.step(state, next.action);
      return (
        after !== undefined &&
        go(
          left.filter((other) => other !== next),
          after,
        )
      );
    });
  };
  return go(history, register.initial);
}
