/**
 * One member of a benchmark's cluster: gossip as an agent runs it, in its thread, and nothing else of an agent.
 * `gossip-member.js NAME ADDRESS [JOIN [KEY]]`; it prints a line for each piece of news, takes `event NAME` on stdin, and ends
 * with its stdin.
 */
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { startGossip } from '../../agent/gossip-thread.ts';
import { ownTags } from '../../agent/tags.ts';

const [name = '', host = '', first, key] = process.argv.slice(2);
const say = (line: string) => process.stdout.write(`${line}\n`);

const tags = ownTags({ nodeId: randomUUID(), datacenter: 'dc1', server: null });
const gossip = await startGossip({
  name,
  bind: { host, port: 8301 },
  tags,
  keys: key === undefined ? [] : [key],
});
gossip.onChange(({ kind, member }) => say(`${kind} ${member.name}`));
gossip.onUserEvent((event) => say(`event ${event.name}`));
if (first !== undefined) await gossip.join([first]);
say('ready');

const payload = Buffer.alloc(64, 'x');
createInterface({ input: process.stdin })
  .on(
    'line',
    (line) => void gossip.fireEvent({ name: line.slice('event '.length), payload, coalesce: false }),
  )
  .on('close', () => process.exit());
