/**
 * What our own agents say only to each other, inside memberlist's user messages: nobody else is sent these, because a
 * tag tells who understands them. A mark that no Serf message begins with, a kind, a MessagePack struct.
 */
import { MsgpackReader, MsgpackWriter } from './msgpack.ts';
import { catchRefusal, type Decoded, Refusal } from './refusal.ts';
import { type Kind, readOrZero, struct, text, u32 } from './struct.ts';

/** First byte of a user payload of this kind; Serf's message types end at 9. */
export const kinMark = 0xe7;

/** "I tried that member for you, and its host told me that nobody is there." Answers an indirect ping. */
export interface KinRefused {
  readonly type: 'kin.refused';
  readonly seqNo: number;
  /** The witness. */
  readonly from: string;
}

export type KinMessage = KinRefused;

const refused = struct<KinRefused>(
  [
    { key: 'From', name: 'from', kind: text },
    { key: 'SeqNo', name: 'seqNo', kind: u32 },
  ],
  { type: 'kin.refused' },
);

const kinds: { readonly [M in KinMessage as M['type']]: { readonly code: number; readonly body: Kind<M> } } =
  {
    'kin.refused': { code: 1, body: refused },
  };

const bodyByCode = new Map<number, Kind<KinMessage>>(
  Object.values(kinds).map(({ code, body }) => [code, body]),
);

export function encodeKin(message: KinMessage): Uint8Array {
  const { code, body } = kinds[message.type];
  const writer = new MsgpackWriter();
  writer.byte(kinMark);
  writer.byte(code);
  body.write(writer, message);
  return writer.bytes;
}

/** Reads what `encodeKin` writes; kinds that a later version may add are refused as `unknown-type`. */
export function decodeKin(payload: Uint8Array): Decoded<KinMessage> {
  return catchRefusal(() => {
    if (payload[0] !== kinMark) throw new Refusal('unknown-type');
    const body = bodyByCode.get(payload[1] ?? 0);
    if (body === undefined) throw new Refusal('unknown-type');
    return readOrZero(new MsgpackReader(payload, 2), body);
  });
}
