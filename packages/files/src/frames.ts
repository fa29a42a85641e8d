import { Fault } from "@cairn/kernel";

/** What the machine says, word by word: see `appliance/agent.pl`. */
export interface Frame {
  readonly word: string;
  readonly payload: Buffer;
}

/** More than the largest block of a file's data, and any path. */
const PAYLOAD_BYTES_MAX = 1024 * 1024;
const HEAD_BYTES_MAX = 32;
const NEWLINE = 0x0a;

/**
 * Cuts the bytes of the port into frames. A machine that a hostile disk has taken over may say anything: what
 * is no frame ends the reading with the Fault `files-protocol`.
 */
export async function* readFrames(chunks: AsyncIterable<Buffer>): AsyncGenerator<Frame, void, undefined> {
  let kept: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    kept = kept.length === 0 ? chunk : Buffer.concat([kept, chunk]);
    for (let next = cut(kept); next !== undefined; next = cut(kept)) {
      kept = kept.subarray(next.usedBytes);
      yield next.frame;
    }
  }
}

function cut(bytes: Buffer): { readonly frame: Frame; readonly usedBytes: number } | undefined {
  const end = bytes.subarray(0, HEAD_BYTES_MAX).indexOf(NEWLINE);
  if (end < 0) {
    if (bytes.length >= HEAD_BYTES_MAX) throw nonsense();
    return undefined;
  }
  const match = /^([a-z]+) (\d{1,7})$/.exec(bytes.toString("latin1", 0, end));
  const length = Number(match?.[2]);
  if (match === null || length > PAYLOAD_BYTES_MAX) throw nonsense();
  const usedBytes = end + 1 + length;
  if (bytes.length < usedBytes) return undefined;
  return { frame: { word: match[1] ?? "", payload: bytes.subarray(end + 1, usedBytes) }, usedBytes };
}

function nonsense(): Fault {
  return new Fault("files-protocol", "reading the answer of the machine that reads files", "never");
}
