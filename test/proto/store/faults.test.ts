import { expect, test } from 'vitest';
import { ExpectedError } from '../../../proto/errors.ts';
import { adviceFor, cannotRead, cannotWrite, damaged } from '../../../proto/store/faults.ts';

const full = Object.assign(new Error('write failed'), { code: 'ENOSPC' });

test('what, where and what to do', () => {
  const error = cannotWrite('/data/raft', full);
  expect(error).toMatchObject({ code: 'CANNOT_WRITE', cause: full });
  expect(error.message).toBe('cannot write /data/raft: the disk is full: free some space and start again');
  expect(cannotRead('/data/raft', full)).toMatchObject({ code: 'DISK_DAMAGED' });
  expect(damaged({ file: '/f', byte: 9, reason: 'unreadable', from: 3, to: 5 }, 'events').message).toBe(
    '/f: unreadable; events 3 to 5 are lost on this disk',
  );
});

test('an error without a known code speaks for itself', () => {
  expect(adviceFor(new Error('odd'))).toBe('odd');
  expect(adviceFor('odd')).toBe('odd');
});

test('an error that has a name already keeps it', () => {
  const known = new ExpectedError('DISK_FOREIGN');
  expect(cannotWrite('/data', known)).toBe(known);
});
