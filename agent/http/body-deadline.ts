/**
 * How long a client may take to send the body of its request. Node has one limit for all requests of a server, which would
 * cut off the upload of a large snapshot: that one has to go on, and may take as long as it likes.
 */
import type { IncomingMessage } from 'node:http';

/** Time for a whole body, or without any progress of one that streams. */
export const bodyTimeoutMs = 60_000;

/** Calls `onLate` once when the body does not come in time. */
export function watchBody(request: IncomingMessage, streams: boolean, onLate: () => void): void {
  const { headers, socket } = request;
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return;
  let bytesBefore = socket.bytesRead;
  const timer = setTimeout(() => {
    // Where something waits to be taken, it is not the client who is slow.
    const goesOn = streams && (socket.bytesRead > bytesBefore || request.readableLength > 0);
    bytesBefore = socket.bytesRead;
    if (goesOn) timer.refresh();
    else onLate();
  }, bodyTimeoutMs);
  const end = () => clearTimeout(timer);
  request.once('end', end);
  request.once('close', end);
}
