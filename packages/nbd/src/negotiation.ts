import { Fault } from "@cairn/kernel";
import {
  decodeGreeting,
  decodeOptionReply,
  decodeOptionReplyHead,
  encodeClientFlags,
  encodeGo,
  encodeMetaContexts,
  encodeOption,
  GREETING_BYTES,
  OPTION,
  OPTION_REPLY_BYTES,
  type OptionReply,
} from "./codec.ts";
import { NbdProtocolFault } from "./faults.ts";

/** The stream as the negotiation needs it: exact pieces, one after the other. */
export interface HandshakeStream {
  take(bytes: number): Promise<Buffer>;
  send(bytes: Buffer): void;
}

/** What the server told of the export. */
export interface ExportFacts {
  readonly sizeBytes: number;
  readonly flags: number;
  /** Largest read or write in one request. */
  readonly maxBytes: number;
  /** Server's ids of the requested contexts, in the order of the request. */
  readonly contextIds: readonly number[];
}

/**
 * When the server names no maximum: the least that every server must accept (proto.md, "Block size
 * constraints").
 */
const DEFAULT_MAX_BYTES = 32 * 1024 * 1024;
const OPTION_REPLY_MAX = 64 * 1024;
/** Replies to one option; each requested context is one. */
const OPTION_REPLIES_MAX = 1000;

/**
 * Opens an export by the fixed newstyle handshake. Structured replies and all contexts asked for are
 * required.
 */
export async function negotiate(
  stream: HandshakeStream,
  exportName: string,
  contexts: readonly string[],
): Promise<ExportFacts> {
  const { noZeroes } = decodeGreeting(await stream.take(GREETING_BYTES));
  stream.send(encodeClientFlags(noZeroes));
  await askOption(stream, OPTION.structuredReply, Buffer.alloc(0));
  const contextIds = contexts.length === 0 ? [] : await askContexts(stream, exportName, contexts);
  const answers = await askOption(stream, OPTION.go, encodeGo(exportName));
  const facts = answers.find((answer) => answer.kind === "export");
  if (facts === undefined)
    throw new NbdProtocolFault("the server accepted an export without telling its size");
  const blockSize = answers.find((answer) => answer.kind === "block-size");
  return {
    sizeBytes: facts.sizeBytes,
    flags: facts.flags,
    maxBytes: Math.min(DEFAULT_MAX_BYTES, blockSize?.maxBytes ?? DEFAULT_MAX_BYTES),
    contextIds,
  };
}

async function askContexts(
  stream: HandshakeStream,
  exportName: string,
  contexts: readonly string[],
): Promise<readonly number[]> {
  const answers = await askOption(stream, OPTION.setMetaContext, encodeMetaContexts(exportName, contexts));
  return contexts.map((name) => {
    const found = answers.find((answer) => answer.kind === "context" && answer.name === name);
    if (found?.kind === "context") return found.id;
    throw new Fault("nbd-context-missing", `export ${exportName} offers no ${name}`, "later");
  });
}

/** Sends an option and gives all replies before its acknowledgement; a refusal is a Fault. */
async function askOption(stream: HandshakeStream, option: number, data: Buffer): Promise<OptionReply[]> {
  stream.send(encodeOption(option, data));
  const answers: OptionReply[] = [];
  while (answers.length < OPTION_REPLIES_MAX) {
    const head = decodeOptionReplyHead(await stream.take(OPTION_REPLY_BYTES));
    if (head.option !== option)
      throw new NbdProtocolFault(`reply to option ${head.option} instead of ${option}`);
    if (head.length > OPTION_REPLY_MAX) throw new NbdProtocolFault(`option reply of ${head.length} bytes`);
    const answer = decodeOptionReply(head.type, await stream.take(head.length));
    if (answer.kind === "ack") return answers;
    if (answer.kind === "refused") {
      throw new Fault("nbd-refused", `option ${option} of the negotiation: ${answer.reason}`, "later");
    }
    answers.push(answer);
  }
  throw new NbdProtocolFault(`more than ${OPTION_REPLIES_MAX} replies to option ${option}`);
}
