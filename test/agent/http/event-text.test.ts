import { expect, test } from 'vitest';
import { EventBatch, jsonOf, textOf } from '../../../agent/http/event-text.ts';
import { eventAt } from '../fake-servers.ts';

test('where to go on stands on everything but an error', () => {
  expect(textOf(eventAt(7), 'server-sent')).toMatch(/^id: 7\ndata: \{"Schema":1|^id: 7\ndata: \{/);
  expect(textOf({ Position: 9 }, 'server-sent')).toBe('event: position\nid: 9\ndata: {"Position":9}\n\n');
  expect(textOf({ Gap: { From: 1, To: 4, Reason: 'old' } }, 'server-sent')).toBe(
    'event: gap\nid: 4\ndata: {"Gap":{"From":1,"To":4,"Reason":"old"}}\n\n',
  );
  expect(textOf({ Error: { Code: 'X', Message: 'y' } }, 'server-sent')).toBe(
    'event: error\ndata: {"Error":{"Code":"X","Message":"y"}}\n\n',
  );
});

test('a line break inside of an output breaks no line of the stream', () => {
  const event = { ...eventAt(1), Output: 'one\ntwo\r\nthree\u2028' };
  expect(textOf(event, 'lines').split('\n')).toHaveLength(2);
  expect(textOf(event, 'server-sent').split('\n')).toHaveLength(4);
});

test('text is made once for all', () => {
  const event = eventAt(3);
  expect(jsonOf(event)).toBe(jsonOf(event));
  const batch = new EventBatch([event, { Position: 3 }]);
  expect(batch.bytes('lines')).toBe(batch.bytes('lines'));
  expect(batch.bytes('lines').toString()).toBe(`${jsonOf(event)}\n{"Position":3}\n`);
});
