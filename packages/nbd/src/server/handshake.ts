import { EXPORT_FLAG } from "../codec.ts";
import type { NbdExport } from "../export.ts";
import { NbdProtocolFault } from "../faults.ts";
import {
  CLIENT_FLAGS_BYTES,
  decodeClientFlags,
  decodeInfoRequest,
  decodeMetaQuery,
  decodeOptionHead,
  encodeBlockSizes,
  encodeExportInfo,
  encodeGreeting,
  encodeListed,
  encodeMetaContext,
  encodeOldExport,
  encodeOptionReply,
  encodeTextInfo,
  INFO,
  OPTION_HEAD_BYTES,
  REPLY,
  SERVER_OPTION,
} from "./codec.ts";
import { PeerGone, type PeerStream } from "./peer-stream.ts";

/** Longest read in one request, as proto.md recommends. */
export const REQUEST_BYTES_MAX = 32 * 1024 * 1024;
export const ALLOCATION = "base:allocation";
export const ALLOCATION_ID = 1;

const PREFERRED_BYTES = 64 * 1024;
/** No client needs more; one that goes on and on is dropped. */
const OPTIONS_MAX = 128;
const HAS_FLAGS = 1;
const SEND_DF = 1 << 7;
const EXPORT_FLAGS =
  HAS_FLAGS | EXPORT_FLAG.readOnly | EXPORT_FLAG.sendFlush | SEND_DF | EXPORT_FLAG.canMultiConnect;

/** What the client chose. */
export interface Entered {
  readonly kind: "entered";
  readonly export: NbdExport;
  readonly structured: boolean;
  /** Whether it may ask for `base:allocation`. */
  readonly allocation: boolean;
}

export type Handshaken = Entered | { readonly kind: "begin-tls" };

export interface Offer {
  readonly exports: readonly NbdExport[];
  /** `required`: nothing is told before TLS. `begun`: this stream is the one inside of it. */
  readonly tls: "off" | "required" | "begun";
}

/** Greets, unless TLS has just begun, and answers options until the client has chosen an export. */
export async function shakeHands(stream: PeerStream, offer: Offer): Promise<Handshaken> {
  const handshake = new Handshake(stream, offer);
  if (offer.tls !== "begun") await handshake.greet();
  for (let options = 0; options < OPTIONS_MAX; options += 1) {
    const outcome = await handshake.answerOption();
    if (outcome !== undefined) return outcome;
  }
  throw new NbdProtocolFault(`more than ${OPTIONS_MAX} options`);
}

class Handshake {
  readonly #stream: PeerStream;
  readonly #offer: Offer;
  #noZeroes = true;
  #structured = false;
  /** The export that `base:allocation` was chosen for. */
  #allocationOf: NbdExport | undefined;

  constructor(stream: PeerStream, offer: Offer) {
    this.#stream = stream;
    this.#offer = offer;
  }

  async greet(): Promise<void> {
    this.#stream.send([encodeGreeting()]);
    this.#noZeroes = decodeClientFlags(await this.#stream.take(CLIENT_FLAGS_BYTES)).noZeroes;
  }

  async answerOption(): Promise<Handshaken | undefined> {
    const { option, length } = decodeOptionHead(await this.#stream.take(OPTION_HEAD_BYTES));
    const data = await this.#stream.take(length);
    if (this.#offer.tls === "required") return this.#answerBeforeTls(option, data);
    switch (option) {
      case SERVER_OPTION.exportName:
        return this.#enterOldWay(data.toString("utf8"));
      case SERVER_OPTION.abort:
        return this.#leave(option);
      case SERVER_OPTION.list:
        this.#list(option, data);
        return undefined;
      case SERVER_OPTION.info:
      case SERVER_OPTION.go:
        return this.#inform(option, data);
      case SERVER_OPTION.structuredReply:
        this.#structured ||= data.length === 0;
        this.#reply(option, data.length === 0 ? REPLY.ack : REPLY.invalid);
        return undefined;
      case SERVER_OPTION.listMetaContext:
      case SERVER_OPTION.setMetaContext:
        this.#metaContexts(option, data);
        return undefined;
      default:
        this.#reply(option, REPLY.unsupported);
        return undefined;
    }
  }

  #answerBeforeTls(option: number, data: Buffer): Handshaken | undefined {
    if (option === SERVER_OPTION.abort) return this.#leave(option);
    if (option === SERVER_OPTION.exportName)
      throw new NbdProtocolFault("an export was asked for without TLS");
    if (option !== SERVER_OPTION.startTls || data.length > 0) {
      this.#reply(option, option === SERVER_OPTION.startTls ? REPLY.invalid : REPLY.tlsRequired);
      return undefined;
    }
    // Whatever was sent in the clear before the answer would be taken for the protected stream.
    if (this.#stream.hasUnread) throw new NbdProtocolFault("bytes in the clear behind the beginning of TLS");
    this.#reply(option, REPLY.ack);
    return { kind: "begin-tls" };
  }

  #leave(option: number): never {
    this.#reply(option, REPLY.ack);
    const gone = new PeerGone("the client left");
    this.#stream.finish(gone);
    throw gone;
  }

  #list(option: number, data: Buffer): void {
    if (data.length > 0) {
      this.#reply(option, REPLY.invalid);
      return;
    }
    for (const { name, description = "" } of this.#offer.exports) {
      this.#reply(option, REPLY.server, encodeListed(name, description));
    }
    this.#reply(option, REPLY.ack);
  }

  #inform(option: number, data: Buffer): Handshaken | undefined {
    const request = decodeInfoRequest(data);
    const found = request === undefined ? undefined : this.#find(request.exportName);
    if (request === undefined || found === undefined) {
      this.#reply(option, request === undefined ? REPLY.invalid : REPLY.unknown);
      return undefined;
    }
    this.#reply(option, REPLY.info, encodeExportInfo(found.sizeBytes, EXPORT_FLAGS));
    if (request.infos.includes(INFO.name)) {
      this.#reply(option, REPLY.info, encodeTextInfo(INFO.name, found.name));
    }
    if (request.infos.includes(INFO.description) && found.description !== undefined) {
      this.#reply(option, REPLY.info, encodeTextInfo(INFO.description, found.description));
    }
    const sizes = { least: 1, preferred: PREFERRED_BYTES, largest: REQUEST_BYTES_MAX };
    this.#reply(option, REPLY.info, encodeBlockSizes(sizes));
    this.#reply(option, REPLY.ack);
    return option === SERVER_OPTION.go ? this.#entered(found) : undefined;
  }

  #metaContexts(option: number, data: Buffer): void {
    const isSet = option === SERVER_OPTION.setMetaContext;
    const request = decodeMetaQuery(data);
    const found = request === undefined ? undefined : this.#find(request.exportName);
    if (isSet) this.#allocationOf = undefined;
    if (request === undefined || found === undefined || (isSet && !this.#structured)) {
      const why = request === undefined || found !== undefined ? REPLY.invalid : REPLY.unknown;
      this.#reply(option, why);
      return;
    }
    const { queries } = request;
    const asked = queries.includes(ALLOCATION);
    const listed = !isSet && (queries.length === 0 || queries.includes("base:"));
    if (asked || listed) {
      this.#reply(option, REPLY.metaContext, encodeMetaContext(isSet ? ALLOCATION_ID : 0, ALLOCATION));
    }
    if (isSet && asked) this.#allocationOf = found;
    this.#reply(option, REPLY.ack);
  }

  #enterOldWay(name: string): Handshaken {
    const found = this.#find(name);
    // This option has no way to say no.
    if (found === undefined) throw new NbdProtocolFault("an unknown export was asked for by its name");
    this.#stream.send([encodeOldExport(found.sizeBytes, EXPORT_FLAGS, this.#noZeroes)]);
    return this.#entered(found);
  }

  #entered(found: NbdExport): Entered {
    const allocation = this.#allocationOf === found;
    return { kind: "entered", export: found, structured: this.#structured, allocation };
  }

  /** The empty name is the default export, where there is no choice. */
  #find(name: string): NbdExport | undefined {
    const { exports } = this.#offer;
    if (name === "" && exports.length === 1) return exports[0];
    return exports.find((each) => each.name === name);
  }

  #reply(option: number, type: number, data?: Buffer): void {
    this.#stream.send([encodeOptionReply(option, type, data)]);
  }
}
