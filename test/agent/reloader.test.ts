import { expect, test } from 'vitest';
import type { AgentConfig } from '../../agent/config/agent-config.ts';
import type { ConfigDifference } from '../../agent/reload.ts';
import { Reloader } from '../../agent/reloader.ts';

const difference: ConfigDifference = {
  items: [{ item: 'check', id: 'door', change: 'added' }],
  live: ['log_level'],
  restart: ['ports'],
};

function stage() {
  const reads: Array<{ resolve: () => void; reject: (error: Error) => void }> = [];
  const reports: Array<string | null> = [];
  const lines: string[] = [];
  let applied = 0;
  const line = (text: string) => void lines.push(text);
  const reloader = new Reloader({
    read: () =>
      new Promise((resolve, reject) => {
        reads.push({ resolve: () => resolve({} as AgentConfig), reject });
      }),
    apply: () => {
      applied++;
      return difference;
    },
    report: (problem) => reports.push(problem),
    logger: { debug: line, info: line, warn: line, error: line },
  });
  return { reloader, reads, reports, lines, applied: () => applied };
}

test('what changed is the answer, and stands in the log item by item', async () => {
  const { reloader, reads, reports, lines } = stage();
  const answer = reloader.reload();
  reads[0]!.resolve();
  expect(await answer).toBe(difference);
  expect(lines).toEqual(['configuration reloaded', 'reload: check door added']);
  expect(reports).toEqual([null]);
});

test('broken files change nothing, and that is an answer, a line and a report', async () => {
  const { reloader, reads, reports, lines, applied } = stage();
  const answer = reloader.reload();
  reads[0]!.reject(new Error('a.yaml:3:7: error: ports.htp: is not a known key'));
  await expect(answer).rejects.toThrow('a.yaml:3:7');
  expect(applied()).toBe(0);
  expect(reports).toEqual(['a.yaml:3:7: error: ports.htp: is not a known key']);
  expect(lines.join()).toContain('ports.htp');
});

test('who asks during a reload gets one that began after the question, and all of them the same', async () => {
  const { reloader, reads, applied } = stage();
  const first = reloader.reload();
  const second = reloader.reload();
  const third = reloader.reload();
  expect(third).toBe(second);
  expect(reads).toHaveLength(1);
  reads[0]!.reject(new Error('half written'));
  await expect(first).rejects.toThrow('half written');
  await expect.poll(() => reads.length).toBe(2);
  reads[1]!.resolve();
  await second;
  expect(applied()).toBe(1);
});
