/**
 * Asks the gRPC health protocol (grpc.health.v1.Health/Check): SERVING is passing, all else critical. The
 * two messages have one field each, so they are written and read by hand.
 */
import { formatAddress } from '../../proto/address.ts';
import { type Http2Answer, type Http2Client, NetworkError } from '../../proto/host-ports.ts';
import type { SpecOf } from '../../proto/schema/definitions.ts';
import { type CheckKind, critical, type Outcome, passing } from './kind.ts';

const path = '/grpc.health.v1.Health/Check';
/** An answer is seven bytes; anything much longer is none. */
const answerBytesMax = 65_536;
const frameHeadBytes = 5;

const codeNames = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
] as const;

const servingStatuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;

export function grpcKind(http2: Http2Client): CheckKind<SpecOf<'grpc'>> {
  return {
    async run({ target, service, tls }, { timeoutMs, signal }) {
      const name = formatAddress(target) + (service === '' ? '' : `/${service}`);
      try {
        const answer = await http2.post({
          target,
          tls,
          timeoutMs,
          signal,
          path,
          headers: {
            'content-type': 'application/grpc',
            te: 'trailers',
            'user-agent': 'Consul Health Check',
            'grpc-timeout': `${Math.ceil(timeoutMs)}m`,
          },
          body: encodeRequest(service),
          answerBytesMax,
        });
        return outcomeOf(answer, name);
      } catch (error) {
        if (!(error instanceof NetworkError)) throw error;
        return error.code === 'ETIMEDOUT'
          ? rpcError('DeadlineExceeded', 'context deadline exceeded')
          : rpcError(
              'Unavailable',
              `connection error: desc = "transport: Error while dialing ${error.message}"`,
            );
      }
    },
  };
}

function outcomeOf({ status, headers, trailers, body }: Http2Answer, name: string): Outcome {
  // An answer without a body has its status in the headers.
  const code = trailers['grpc-status'] ?? headers['grpc-status'];
  if (status !== 200)
    return rpcError('Unavailable', `unexpected HTTP status code received from server: ${status}`);
  if (code === undefined) return rpcError('Internal', 'server closed the stream without sending trailers');
  if (code !== '0') {
    const message = trailers['grpc-message'] ?? headers['grpc-message'] ?? '';
    return rpcError(codeNames[Number(code)] ?? `Code(${code})`, percentDecoded(message));
  }
  const serving = decodeStatus(body);
  if (serving === 'SERVING') return passing(`gRPC check ${name}: success`);
  return critical(`gRPC check ${name}: ${serving ?? 'the answer cannot be read'}`);
}

function rpcError(code: string, description: string): Outcome {
  return critical(`rpc error: code = ${code} desc = ${description}`);
}

/** HealthCheckRequest { string service = 1 } in one uncompressed frame. */
function encodeRequest(service: string): Uint8Array {
  const text = Buffer.from(service);
  const message =
    text.length === 0 ? text : Buffer.concat([Buffer.from([0x0a, ...varint(text.length)]), text]);
  const head = Buffer.alloc(frameHeadBytes);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

/** HealthCheckResponse { ServingStatus status = 1 }; an empty message holds 0. Null: no such message. */
function decodeStatus(frame: Uint8Array): string | null {
  const bytes = Buffer.from(frame);
  if (bytes.length < frameHeadBytes || bytes[0] !== 0) return null;
  const message = bytes.subarray(frameHeadBytes);
  if (message.length !== bytes.readUInt32BE(1)) return null;
  if (message.length === 0) return servingStatuses[0];
  return message[0] === 0x08 ? (servingStatuses[message[1] ?? 0] ?? null) : null;
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
