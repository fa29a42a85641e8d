import { Fault } from "@cairn/kernel";

/**
 * QEMU understood a command and refused it. `qmpClass` and `reason` are QEMU's own `class` and `desc`
 * (qapi/error.json in QEMU's source); `desc` is prose, so compare it only where no better fact exists.
 */
export class QmpRefusal extends Fault {
  readonly command: string;
  readonly qmpClass: string;
  readonly reason: string;

  constructor(command: string, qmpClass: string, reason: string) {
    super("qmp-refused", `qemu refused ${command}: ${reason}`, "later");
    this.name = "QmpRefusal";
    this.command = command;
    this.qmpClass = qmpClass;
    this.reason = reason;
  }
}

/** The bytes on the monitor are not QMP: the connection cannot be used any more. */
export class QmpProtocolFault extends Fault {
  constructor(message: string, cause?: unknown) {
    super("qmp-protocol", message, "later", cause);
    this.name = "QmpProtocolFault";
  }
}

/** Whether an error, or anything that caused it, is a refusal by QEMU whose reason matches. */
export function isRefusal(error: unknown, reason: RegExp): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 10; at = at.cause, depth += 1) {
    if (at instanceof QmpRefusal && reason.test(at.reason)) return true;
  }
  return false;
}
