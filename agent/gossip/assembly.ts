/** One core, put together from its parts. Who calls whom back stands here and nowhere else. */
import { Beliefs } from './beliefs.ts';
import { dossierOf } from './dossier.ts';
import { Errands } from './errands.ts';
import { Kin } from './kin.ts';
import { KinExchange } from './kin-exchange.ts';
import { NameClaim } from './name-claim.ts';
import type { GossipOptions } from './options.ts';
import { OwnWord } from './own-word.ts';
import { makeParts, type Parts } from './parts.ts';
import { Prober } from './prober.ts';
import { PushPulls } from './push-pull.ts';
import { Reception } from './reception.ts';
import { ConflictVote } from './serf/conflict.ts';
import { Coordinates } from './serf/coordinates.ts';
import { Serf } from './serf/serf.ts';
import { Spreader } from './spreader.ts';
import { Table } from './table.ts';
import { Verdicts } from './verdicts.ts';

export interface Assembly {
  readonly parts: Parts;
  readonly ownWord: OwnWord;
  readonly beliefs: Beliefs;
  readonly serf: Serf;
  readonly prober: Prober;
  readonly verdicts: Verdicts;
  readonly pushPulls: PushPulls;
  readonly spreader: Spreader;
  readonly reception: Reception;
}

/** Throws BAD_REQUEST for tags or a label that are too long. */
export function assemble(options: GossipOptions): Assembly {
  const { keyring, onEvent } = options;
  const parts: Parts = makeParts(options, () => spreader.onNews());
  const { roll, self } = parts;
  const spreader = new Spreader(parts);
  const coordinates = new Coordinates(parts.random);
  const kin = new Kin(parts);

  const serf: Serf = new Serf({
    parts,
    keyring,
    reports: {
      onChange: (change) => onEvent({ kind: 'change', change }),
      onUserEvent: (event) => onEvent({ kind: 'user-event', event }),
      onQuery: (query, respond) => onEvent({ kind: 'query', query, respond }),
      onKeysChanged: () => onEvent({ kind: 'keys-changed' }),
      reconnect: (record) => pushPulls.exchange(record.endpoint, false, () => {}),
    },
  });
  const conflict = new ConflictVote({
    parts,
    serf,
    reports: {
      onTaken: (rival) => onEvent({ kind: 'name-taken', rival }),
      onConflict: (rival) => onEvent({ kind: 'name-conflict', rival }),
    },
  });
  const tellMember = (number: number) => onEvent({ kind: 'member', member: roll.member(number) });
  const onConflict: ConflictVote['onConflict'] = (existing, other) => conflict.onConflict(existing, other);
  const ownWord = new OwnWord(parts, {
    onSelf: () => {
      serf.onSelf();
      tellMember(self.number);
    },
    onConflict,
  });
  const beliefs: Beliefs = new Beliefs({
    parts,
    ownWord,
    reports: {
      onFull: () => serf.makeRoom(),
      onAlive: (number) => serf.onAlive(number),
      onUpdated: (number) => serf.onUpdated(number),
      onGone: (number, verdict) => serf.onGone(number, verdict === null ? null : dossierOf(parts, verdict)),
      onSuspicion: tellMember,
      onTimeUp: (suspicion) => verdicts.onTimeUp(suspicion),
      onConflict,
    },
  });

  const verdicts = new Verdicts({ parts, beliefs });
  const prober = new Prober({
    parts,
    beliefs,
    verdicts,
    reports: {
      onDirectAnswer: ({ number }, rttMs, payload) => coordinates.learn(number, rttMs, payload),
      onForgotten: (forgotten) => {
        for (const each of forgotten) {
          roll.onForgotten(each);
          coordinates.forget(each.record.number);
        }
      },
    },
  });

  const table = new Table({ parts, beliefs, serf });
  const kinExchange = new KinExchange({ parts, table, serf });
  const claim = new NameClaim({
    parts,
    onTaken: (rival) => onEvent({ kind: 'name-taken', rival }),
    comeBack: (to) => pushPulls.exchange(to, true, () => {}),
  });
  const pushPulls: PushPulls = new PushPulls({ parts, table, claim, kin, kinExchange });
  const errands = new Errands({ parts, kin, ownPort: options.advertise.port });
  const reception = new Reception({
    parts,
    beliefs,
    serf,
    errands,
    pushPulls,
    kin,
    kinExchange,
    coordinates,
    onSeen: (by, address) => onEvent({ kind: 'seen-elsewhere', by, address }),
  });
  return { parts, ownWord, beliefs, serf, prober, verdicts, pushPulls, spreader, reception };
}
