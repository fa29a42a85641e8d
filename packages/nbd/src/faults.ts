import { Fault } from "@cairn/kernel";

/**
 * The server's bytes make no sense: the stream is lost, the connection is dead, every request on it fails.
 */
export class NbdProtocolFault extends Fault {
  constructor(message: string, cause?: unknown) {
    super("nbd-protocol", message, "later", cause);
    this.name = "NbdProtocolFault";
  }
}

/** The server answered one request with an error; the connection goes on. */
export class NbdRequestFault extends Fault {
  /** Name of the error as on Linux: `EIO`, `ENOSPC`, `EPERM` … */
  readonly errno: string;

  constructor(request: string, errno: string, reason: string) {
    super("nbd-request", `${request}: ${errno}${reason === "" ? "" : `: ${reason}`}`, "later");
    this.name = "NbdRequestFault";
    this.errno = errno;
  }
}
