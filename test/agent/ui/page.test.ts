import { createHash } from 'node:crypto';
import { runInNewContext, Script } from 'node:vm';
import { expect, test } from 'vitest';
import { page, pagePolicy } from '../../../agent/ui/page.ts';
import { script } from '../../../agent/ui/script.ts';
import { draftEvent } from '../../../proto/schema/event-draft.ts';
import { stage } from '../http/stage.ts';

/** As much of a browser's document as the script asks for. */
class FakeElement {
  readonly children: Array<FakeElement | string> = [];
  className = '';
  textContent = '';
  title = '';
  hidden = false;
  checked = false;
  colSpan = 0;

  append(...added: Array<FakeElement | string>): void {
    this.children.push(...added);
  }

  prepend(added: FakeElement): void {
    this.children.unshift(added);
  }

  replaceChildren(...added: FakeElement[]): void {
    this.children.splice(0, this.children.length, ...added);
  }

  get lastChild() {
    return { remove: () => this.children.pop() };
  }

  addEventListener(): void {}

  get text(): string {
    return (
      this.textContent + this.children.map((one) => (typeof one === 'string' ? one : one.text)).join(' ')
    ).trim();
  }
}

class FakeEventSource {
  static last: FakeEventSource | undefined;
  readonly url: string;
  onmessage: (message: { data: string }) => void = () => {};
  onopen = () => {};
  readonly named = new Map<string, (message: { data: string }) => void>();

  constructor(url: string) {
    this.url = url;
    FakeEventSource.last = this;
  }

  addEventListener(name: string, run: (message: { data: string }) => void): void {
    this.named.set(name, run);
  }
}

function open(fetchFrom: typeof fetch) {
  const elements = new Map<string, FakeElement>();
  const byId = (id: string) => {
    if (!page.includes(`id="${id}"`)) throw new Error(`the page has no ${id}`);
    const known = elements.get(id) ?? new FakeElement();
    elements.set(id, known);
    return known;
  };
  runInNewContext(script, {
    document: { getElementById: byId, createElement: () => new FakeElement(), title: '' },
    fetch: fetchFrom,
    EventSource: FakeEventSource,
    setTimeout: () => 1,
    setInterval: () => 1,
  });
  return byId;
}

test('the script is a script, and only it and the style may run', () => {
  expect(() => new Script(script)).not.toThrow();
  const inline = /<script>([\s\S]*)<\/script>/.exec(page)![1]!;
  expect(pagePolicy).toContain(`script-src 'sha256-${createHash('sha256').update(inline).digest('base64')}'`);
  expect(page).not.toMatch(/ on[a-z]+=/);
});

test('it shows members, checks, the leader, and events as they come', async () => {
  const on = await stage();
  on.server.join('client1', '127.0.0.4');
  on.server.flap('ext', 'critical');
  const byId = open(((path: string, init: RequestInit) => fetch(on.url(path), init)) as typeof fetch);
  await expect.poll(() => byId('members').text).toContain('client1 127.0.0.4:8301 agent');
  await expect.poll(() => byId('checks').text).toMatch(/critical ext flap .*passing client1 serfHealth/);
  await expect.poll(() => byId('leader').text).toBe('127.0.0.1:8300');
  expect(byId('check-count').text).toBe('1 of 2 passing');
  await expect.poll(() => FakeEventSource.last?.url).toBe('/v1/events/stream?after=0');
  const source = FakeEventSource.last!;
  const event = {
    ...draftEvent({ Kind: 'check.changed', Node: 'web-1', Check: 'disk', From: 'passing', To: 'critical' }),
    Schema: 1,
    Offset: 42,
    Time: '2026-11-22T03:12:00.000Z',
    Output: '<script>alert(1)</script>',
  };
  source.onmessage({ data: JSON.stringify(event) });
  source.named.get('gap')!({ data: JSON.stringify({ Gap: { From: 1, To: 9, Reason: 'trimmed' } }) });
  const [gap, item] = byId('events').children as FakeElement[];
  expect(gap!.text).toBe('… 1 to 9: trimmed');
  expect(item!.text).toContain('42 passing → critical');
  expect(item!.text).toContain('web-1, disk');
  // As text, so it is shown and not run.
  expect(item!.text).toContain('<script>alert(1)</script>');
});

test('without servers it says so instead of standing still', async () => {
  const on = await stage();
  on.server.fail(new Error('No known Consul servers') as never);
  const byId = open(((path: string, init: RequestInit) => fetch(on.url(path), init)) as typeof fetch);
  await expect.poll(() => byId('trouble').text).not.toBe('');
  await expect.poll(() => byId('members').text).toContain('client1');
  expect(byId('live').text).toBe('no server answers');
});
