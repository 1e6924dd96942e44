/** The evidence of a verdict as a short story for people. */
import { z } from 'zod';
import { formatDuration } from '../../proto/duration.ts';
import { harmless } from './io.ts';

const look = z.object({
  at: z.string(),
  address: z.string(),
  timeoutMs: z.number(),
  helpers: z.array(z.object({ name: z.string(), answer: z.string() })),
  tcp: z.string(),
  udp: z.string().default('not tried'),
});
type Look = z.output<typeof look>;

/** What `agent/gossip/dossier.ts` writes; an older or newer agent may know less or more. */
const dossier = z.object({
  judge: z.string(),
  accuser: z.string(),
  reason: z.string(),
  suspectedAt: z.string(),
  verdictAt: z.string(),
  suspicion: z.object({
    minMs: z.number(),
    maxMs: z.number(),
    tookMs: z.number(),
    confirmationsWanted: z.number(),
  }),
  confirmations: z.array(z.object({ from: z.string(), afterMs: z.number() })),
  firstProbe: look.nullable(),
  lastProbe: look,
  localHealth: z.number(),
  loopLagMs: z.number(),
  members: z.number(),
});
type Story = z.output<typeof dossier>;

/** One line a sentence, indented; ends with a newline. Evidence of another shape is shown as it is. */
export function formatDossier(evidence: unknown): string {
  const parsed = dossier.safeParse(evidence);
  const lines = parsed.success ? tell(parsed.data) : [JSON.stringify(evidence)];
  return `${lines.map((line) => `  ${harmless(line)}`).join('\n')}\n`;
}

/** What happened at one moment: the first line is told with its time. */
interface Moment {
  readonly at: string;
  readonly lines: readonly string[];
}

function tell(story: Story): string[] {
  const { firstProbe, lastProbe } = story;
  const looks = firstProbe === null || firstProbe.at === lastProbe.at ? [lastProbe] : [firstProbe, lastProbe];
  const moments = [...looks.map((seen) => lookOf(story, seen)), suspicion(story), verdict(story)];
  const inOrder = moments.toSorted((one, other) => Date.parse(one.at) - Date.parse(other.at));
  return [
    ...inOrder.flatMap(({ at, lines: [first, ...more] }) => [`${at}  ${first}`, ...more]),
    fitness(story),
  ];
}

/** All looks that a dossier holds are the judge's own. A refusal makes it pointless to wait for the rest of the time. */
function lookOf({ judge }: Story, { at, address, timeoutMs, helpers, tcp, udp }: Look): Moment {
  const closed = [...(tcp === 'refused' ? ['TCP'] : []), ...(udp === 'unreachable' ? ['UDP'] : [])];
  const outcome =
    closed.length > 0
      ? `: no answer, and over ${closed.join(' and ')} nobody listens there.`
      : ` and had no answer within ${timeoutMs} ms.`;
  const heard = helpers.map(({ name, answer }) => `${name} (${answers[answer] ?? answer})`);
  const lines = [`${judge} asked ${address}${outcome}`];
  if (heard.length > 0) lines.push(`Asked to try as well: ${heard.join(', ')}.`);
  if (tcp !== 'not tried' && tcp !== 'refused') lines.push(`A TCP ping: ${streamAnswers[tcp] ?? tcp}.`);
  if (udp === 'forged') lines.push('Somebody forged answers to a UDP ping.');
  return { at, lines };
}

const streamAnswers: Readonly<Record<string, string>> = {
  mute: 'the connection was taken, and then silence',
};

const answers: Readonly<Record<string, string>> = {
  silence: 'not heard of again',
  nack: 'reached nobody either',
  refused: 'was told that nobody is there',
};

function suspicion(story: Story): Moment {
  const { minMs, maxMs, confirmationsWanted } = story.suspicion;
  const range = minMs === maxMs ? span(minMs) : `${span(minMs)} to ${span(maxMs)}`;
  const lines = [`${story.accuser} suspected it; it had ${range} to object.`];
  const confirmed = story.confirmations.map(({ from, afterMs }) => `${from} after ${span(afterMs)}`);
  if (confirmed.length > 0) lines.push(`Confirmed by ${confirmed.join(', ')}.`);
  else if (confirmationsWanted > 0) lines.push('Nobody else confirmed it.');
  return { at: story.suspectedAt, lines };
}

function verdict({ judge, reason, verdictAt, suspicion: { tookMs } }: Story): Moment {
  const why = reason === 'refused' ? 'its host said that the process is gone' : 'it did not object in time';
  return { at: verdictAt, lines: [`After ${span(tookMs)} ${judge} declared it failed: ${why}.`] };
}

function fitness({ judge, localHealth, loopLagMs, members }: Story): string {
  const health = localHealth === 0 ? 'well' : `not well itself (local health ${localHealth}, 0 is good)`;
  return `${judge} was ${health}; its longest stall was ${span(loopLagMs)}. It knew ${members} members.`;
}

function span(ms: number): string {
  return formatDuration(Math.round(ms));
}
