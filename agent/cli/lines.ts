/** Lines out of a stream of bytes, with a bound on how long one may be. */

/** Twice the largest event: a longer line is no line but a fault. */
const lineCharactersMax = 2 * 1024 * 1024;

export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop()!;
    for (const line of lines) if (line.trim() !== '') yield line;
    if (rest.length > lineCharactersMax) throw new Error('a line of the answer does not end');
  }
  // What has no newline was cut off and will be sent again.
}
