/** A key rotation that an agent runs, as one watches it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { harmless } from './io.ts';

/** As `GET /v1/agent/key-rotation` answers. */
export interface Rotation {
  readonly State: 'none' | 'running' | 'interrupted' | 'done';
  readonly Step: string;
  readonly Reason: string;
  readonly To: string;
  readonly From: string;
}

const lookAgainMs = 250;

const steps: Readonly<Record<string, string>> = {
  install: 'All members get the new key …',
  use: 'All members have it; now they seal with it …',
  remove: 'All members seal with it; now the others are removed …',
};

/** Says each step and each reason to wait once; resolves with the end of it. */
export async function followRotation(
  look: () => Promise<Rotation>,
  say: (line: string) => Promise<void>,
  wait: (ms: number) => Promise<unknown> = sleep,
): Promise<Rotation> {
  let saidStep = '';
  let saidReason = '';
  for (;;) {
    const rotation = await look();
    const { State, Step, Reason } = rotation;
    if (State === 'running' && Step !== saidStep) {
      saidStep = Step;
      await say(steps[Step] ?? harmless(Step));
    }
    if (State === 'running' && Reason !== '' && Reason !== saidReason) await say(`  ${harmless(Reason)}`);
    saidReason = Reason;
    if (State === 'done') {
      await say(`All members seal with ${harmless(rotation.To)} and have no other key.`);
      await say('Agents that are new, or keep nothing on disk, need it as "encrypt" in their configuration.');
    }
    if (State !== 'running') return rotation;
    await wait(lookAgainMs);
  }
}
