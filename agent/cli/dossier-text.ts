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

function tell(story: Story): string[] {
  return [...firstLook(story), ...suspicion(story), ...lastLook(story), verdict(story), fitness(story)];
}

function firstLook({ firstProbe, accuser }: Story): string[] {
  if (firstProbe === null) return [`The probe that began it was made by ${accuser}, and not seen here.`];
  return [`${firstProbe.at}  ${accuser} asked ${answered(firstProbe)}`, ...others(firstProbe)];
}

/** A quick verdict has one look only. */
function lastLook({ firstProbe, lastProbe, judge }: Story): string[] {
  if (firstProbe?.at === lastProbe.at) return [];
  return [`${lastProbe.at}  ${judge} asked ${answered(lastProbe)}`, ...others(lastProbe)];
}

function answered({ address, timeoutMs }: Look): string {
  return `${address} and had no answer within ${timeoutMs} ms.`;
}

function others({ helpers, tcp }: Look): string[] {
  const heard = helpers.map(({ name, answer }) => `${name} (${answers[answer] ?? answer})`);
  return [
    ...(heard.length === 0 ? [] : [`Asked to try as well: ${heard.join(', ')}.`]),
    ...(tcp === 'not tried' ? [] : [`A TCP ping: ${tcp}.`]),
  ];
}

const answers: Readonly<Record<string, string>> = {
  silence: 'not heard of again',
  nack: 'reached nobody either',
  refused: 'was told that nobody is there',
};

function suspicion(story: Story): string[] {
  const { minMs, maxMs, confirmationsWanted } = story.suspicion;
  const range = minMs === maxMs ? span(minMs) : `${span(minMs)} to ${span(maxMs)}`;
  const lines = [`${story.suspectedAt}  It was suspected, with ${range} to object.`];
  const confirmed = story.confirmations.map(({ from, afterMs }) => `${from} after ${span(afterMs)}`);
  if (confirmed.length > 0) lines.push(`Confirmed by ${confirmed.join(', ')}.`);
  else if (confirmationsWanted > 0) lines.push('Nobody else confirmed it.');
  return lines;
}

function verdict({ judge, reason, verdictAt, suspicion: { tookMs } }: Story): string {
  const why = reason === 'refused' ? 'its host said that the process is gone' : 'it did not object in time';
  return `${verdictAt}  After ${span(tookMs)} ${judge} declared it failed: ${why}.`;
}

function fitness({ judge, localHealth, loopLagMs, members }: Story): string {
  const health = localHealth === 0 ? 'well' : `not well itself (local health ${localHealth}, 0 is good)`;
  return `${judge} was ${health}; its longest stall was ${span(loopLagMs)}. It knew ${members} members.`;
}

function span(ms: number): string {
  return formatDuration(Math.round(ms));
}
