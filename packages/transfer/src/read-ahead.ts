/** So many readers in order are told apart, such as the connections of one client. */
const STREAMS_MAX = 8;
/** Begin ahead after so many regions in order; a single one is no order yet. */
const IN_ORDER_MIN = 2;

interface Stream {
  /** The last region that was read. */
  at: number;
  /** Regions read one after the other. */
  inOrder: number;
  /** The last region that was begun. */
  begun: number;
}

/** Regions from `from` to `to`, both included. */
export interface Ahead {
  readonly from: number;
  readonly to: number;
}

/** Recognises who reads in order, and says what to load before it is asked for. */
export class ReadAhead {
  readonly #regionsMax: number;
  /** The last one was used last. */
  readonly #streams: Stream[] = [];

  constructor(regionsMax: number) {
    this.#regionsMax = regionsMax;
  }

  /** Notes a read of regions; what to load ahead of it, if anything. */
  next(first: number, last: number): Ahead | undefined {
    const stream = this.#streamAt(first);
    const isNew = last > stream.at;
    if (isNew) stream.inOrder += last - Math.max(stream.at, first - 1);
    stream.at = Math.max(stream.at, last);
    if (this.#regionsMax === 0 || stream.inOrder < IN_ORDER_MIN) return undefined;
    // The window grows with the length of the stream: a short one costs little for nothing.
    const window = Math.min(this.#regionsMax, stream.inOrder * 2);
    const from = Math.max(stream.begun, stream.at) + 1;
    const to = stream.at + window;
    // Begun by halves, so that each time enough comes together for a large read of a pack.
    if (to - from + 1 < Math.ceil(window / 4)) return undefined;
    stream.begun = to;
    return { from, to };
  }

  #streamAt(first: number): Stream {
    // Requests of a stream overlap and come a little out of order.
    const found = this.#streams.findIndex(({ at }) => first >= at - 1 && first <= at + 2);
    if (found !== -1) {
      const [stream] = this.#streams.splice(found, 1);
      if (stream !== undefined) {
        this.#streams.push(stream);
        return stream;
      }
    }
    const fresh: Stream = { at: first - 1, inOrder: 0, begun: -1 };
    this.#streams.push(fresh);
    if (this.#streams.length > STREAMS_MAX) this.#streams.shift();
    return fresh;
  }
}
