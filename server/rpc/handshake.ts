/**
 * Before two processes talk, each says what it speaks, who it is and which cluster it means, and with `encrypt` set
 * both prove that they know the key:
 *
 *     caller    "ROLL" 1, hello ─▶
 *                              ◀─ "ROLL" 1, hello       (or a refusal with its reason)
 *     caller    proof ─▶
 *                              ◀─ proof                 (or a refusal: wrong key)
 *
 * A proof is HMAC-SHA256 over the role and both hellos; each hello holds a fresh nonce, so no proof serves twice, and
 * the role keeps a caller from being fed its own. It shows who began the conversation; what follows is protected by
 * TLS or not at all. The byte after the magic is the version of this very exchange, the range in the hello that of
 * everything after it.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { encode } from '../../proto/codec.ts';
import type { Clock, Random } from '../../proto/ports.ts';
import type { RpcPeer } from '../../proto/rpc.ts';
import type { ByteStream } from './byte-stream.ts';
import { encodeFrame, type Frame, type FrameReader } from './frames.ts';
import { FrameInbox } from './inbox.ts';
import { decodeObject, encodeRefusal, Refusal } from './refusal.ts';

/** Versions of the RPC protocol that this build speaks. */
export const protocolMin = 1;
export const protocolMax = 1;

const magic = Buffer.from([0x52, 0x4f, 0x4c, 0x4c, 1]);
const nonceBytes = 32;
/** From the first byte to the last proof. */
export const handshakeTimeoutMs = 5_000;
const textMax = 512;

/** Who we are, asked anew for each connection: the cluster id may have become known meanwhile. */
export interface RpcIdentity {
  readonly kind: 'agent' | 'server';
  readonly nodeId: string;
  readonly node: string;
  /** '' while it is not known. */
  readonly clusterId: string;
  /** A server: ids that its cluster had before it was recovered. */
  readonly formerly?: readonly string[];
}

export interface HandshakeHost {
  readonly clock: Clock;
  readonly random: Random;
  identity(): RpcIdentity;
  /** Keys of the gossip ring; the first one seals, any of them opens. Empty: no proof is asked for. */
  keys(): readonly Uint8Array[];
  /** Eight random bytes, drawn once per process: tells a restarted peer from the one it was. */
  readonly instance: Uint8Array;
}

export interface Shaken {
  readonly peer: RpcPeer;
  /** Hexadecimal; see `HandshakeHost.instance`. */
  readonly instance: string;
  readonly protocol: number;
  /** Holds what already arrived behind the handshake. */
  readonly reader: FrameReader;
}

type HeirSide = Pick<RpcIdentity, 'kind' | 'clusterId' | 'formerly'>;

interface Hello {
  readonly min: number;
  readonly max: number;
  readonly kind: 'agent' | 'server';
  readonly nodeId: string;
  readonly node: string;
  readonly clusterId: string;
  readonly instance: Uint8Array;
  readonly nonce: Uint8Array;
  readonly proves: boolean;
  readonly formerly?: readonly string[];
}

export type Side = 'caller' | 'listener';

/** Rejects with a `Refusal` (ours) or the other side's refusal; the stream is closed then. */
export async function shakeHands(stream: ByteStream, side: Side, host: HandshakeHost): Promise<Shaken> {
  const inbox = new FrameInbox(stream, magic);
  const timer = host.clock.after(handshakeTimeoutMs, () => {
    inbox.fail(new Refusal('silent', 'TIMEOUT', `no handshake within ${handshakeTimeoutMs / 1000} s`));
  });
  try {
    const shaken = await (side === 'caller' ? call(stream, inbox, host) : answer(stream, inbox, host));
    return { ...shaken, reader: inbox.handOver() };
  } finally {
    timer.cancel();
  }
}

/** Says why to somebody who speaks our language, before the first word of a hello. */
export function turnAway(stream: ByteStream, refusal: Refusal): void {
  stream.write(magic);
  stream.write(encodeFrame('refusal', 0, encodeRefusal(refusal)));
  stream.end();
}

async function call(stream: ByteStream, inbox: FrameInbox, host: HandshakeHost) {
  try {
    stream.write(magic);
    const mine = sayHello(stream, host);
    const theirs = await inbox.next('hello');
    const hello = readHello(theirs);
    const protocol = checkHello(hello, host);
    const transcript = Buffer.concat([mine, theirs.body]);
    stream.write(encodeFrame('proof', 0, prove('caller', transcript, host)));
    checkProof('listener', transcript, await inbox.next('proof'), host);
    return describe(hello, protocol);
  } catch (error) {
    stream.destroy();
    throw error;
  }
}

async function answer(stream: ByteStream, inbox: FrameInbox, host: HandshakeHost) {
  let greeted = false;
  try {
    const theirs = await inbox.next('hello');
    const hello = readHello(theirs);
    stream.write(magic);
    // Our own hello goes first, so that one who is refused has both sides of the story.
    const transcript = Buffer.concat([theirs.body, sayHello(stream, host)]);
    greeted = true;
    const protocol = checkHello(hello, host);
    checkProof('caller', transcript, await inbox.next('proof'), host);
    stream.write(encodeFrame('proof', 0, prove('listener', transcript, host)));
    return describe(hello, protocol);
  } catch (error) {
    if (greeted && error instanceof Refusal) {
      stream.write(encodeFrame('refusal', 0, encodeRefusal(error)));
      stream.end();
    } else {
      stream.destroy();
    }
    throw error;
  }
}

function sayHello(stream: ByteStream, host: HandshakeHost): Uint8Array {
  const identity = host.identity();
  const hello: Hello = {
    min: protocolMin,
    max: protocolMax,
    kind: identity.kind,
    nodeId: identity.nodeId,
    node: identity.node,
    clusterId: identity.clusterId,
    instance: host.instance,
    nonce: host.random.bytes(nonceBytes),
    proves: host.keys().length > 0,
    ...(identity.formerly === undefined ? {} : { formerly: identity.formerly }),
  };
  const body = encode(hello);
  stream.write(encodeFrame('hello', 0, body));
  return body;
}

function readHello(frame: Frame): Hello {
  const hello = decodeObject(frame.body);
  const valid =
    isVersion(hello.min) &&
    isVersion(hello.max) &&
    (hello.kind === 'agent' || hello.kind === 'server') &&
    isText(hello.nodeId) &&
    isText(hello.node) &&
    isText(hello.clusterId) &&
    hello.instance instanceof Uint8Array &&
    hello.nonce instanceof Uint8Array &&
    hello.nonce.length === nonceBytes &&
    typeof hello.proves === 'boolean' &&
    (hello.formerly === undefined || (Array.isArray(hello.formerly) && hello.formerly.every(isText)));
  if (!valid) throw new Refusal('garbage', 'PROTOCOL', 'a hello without the fields of a hello');
  return hello as unknown as Hello;
}

/** Answers the version that both speak, or throws what keeps us apart. */
function checkHello(hello: Hello, host: HandshakeHost): number {
  const protocol = Math.min(hello.max, protocolMax);
  if (protocol < Math.max(hello.min, protocolMin)) {
    throw new Refusal(
      'protocol',
      'PROTOCOL',
      `protocol ${hello.min}–${hello.max} over there, ${protocolMin}–${protocolMax} here: update the older one`,
    );
  }
  const identity = host.identity();
  const own = identity.clusterId;
  if (!sameCluster(own, hello.clusterId) && !isHeir(identity, hello) && !isHeir(hello, identity))
    throw foreignCluster(own, hello.clusterId);
  if (hello.proves !== host.keys().length > 0) {
    const who = hello.proves ? 'here' : 'over there';
    throw new Refusal(
      'key',
      'PROTOCOL',
      `encryption is not configured ${who}: set the same encrypt key on all`,
    );
  }
  return protocol;
}

/** Who does not know its cluster yet may talk to anybody. */
export function sameCluster(one: string, other: string): boolean {
  return one === '' || other === '' || one === other;
}

/** An agent of a cluster that lost its quorum belongs to the one that was made of it; an old server does not. */
function isHeir(server: HeirSide, agent: HeirSide): boolean {
  const isPair = server.kind === 'server' && agent.kind === 'agent';
  return isPair && (server.formerly?.includes(agent.clusterId) ?? false);
}

export function foreignCluster(own: string, theirs: string): Refusal {
  return new Refusal('foreign_cluster', 'FOREIGN_CLUSTER', `cluster ${theirs} over there, ${own} here`);
}

function prove(role: Side, transcript: Uint8Array, host: HandshakeHost): Uint8Array {
  const key = host.keys()[0];
  return key === undefined ? new Uint8Array(0) : hmac(key, role, transcript);
}

function checkProof(role: Side, transcript: Uint8Array, frame: Frame, host: HandshakeHost): void {
  const keys = host.keys();
  if (keys.length === 0) return;
  const proven = keys.some((key) => {
    const expected = hmac(key, role, transcript);
    return frame.body.length === expected.length && timingSafeEqual(frame.body, expected);
  });
  if (!proven) throw new Refusal('key', 'PROTOCOL', 'the encrypt keys differ');
}

function hmac(key: Uint8Array, role: Side, transcript: Uint8Array): Buffer {
  return createHmac('sha256', key).update(`rollcall rpc ${role}\n`).update(transcript).digest();
}

function describe(hello: Hello, protocol: number): Omit<Shaken, 'reader'> {
  return {
    peer: { nodeId: hello.nodeId, node: hello.node, kind: hello.kind, clusterId: hello.clusterId },
    instance: Buffer.from(hello.instance).toString('hex'),
    protocol,
  };
}

function isVersion(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

/** Names and ids of the other side: no longer than a sane one. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= textMax;
}
