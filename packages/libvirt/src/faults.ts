import { Fault } from "@cairn/kernel";

/**
 * libvirt understood a call and refused it. `number` and `origin` are libvirt's `code` and `domain`
 * (include/libvirt/virterror.h in its source); `reason` is prose, so compare it only where no better fact
 * exists.
 */
export class LibvirtRefusal extends Fault {
  readonly procedure: string;
  readonly number: number;
  readonly origin: number;
  readonly reason: string;

  constructor(procedure: string, error: RemoteError) {
    super("libvirt-refused", `libvirt refused ${procedure}: ${error.message}`, "later");
    this.name = "LibvirtRefusal";
    this.procedure = procedure;
    this.number = error.code;
    this.origin = error.domain;
    this.reason = error.message;
  }
}

/** What libvirt says of an error, as far as it means anything outside of libvirt. */
export interface RemoteError {
  readonly code: number;
  readonly domain: number;
  readonly message: string;
}

/** The bytes on the socket are not libvirt's protocol: the connection cannot be used any more. */
export class LibvirtProtocolFault extends Fault {
  constructor(message: string, cause?: unknown) {
    super("libvirt-protocol", `reading what libvirt said: ${message}`, "later", cause);
    this.name = "LibvirtProtocolFault";
  }
}

/** Numbers of libvirt's errors (`virErrorNumber` in virterror.h); they never change. */
export const LIBVIRT_ERRORS = {
  internal: 1,
  noSupport: 3,
  operationFailed: 9,
  operationDenied: 29,
  noDomain: 42,
  authFailed: 45,
  operationInvalid: 55,
  configUnsupported: 67,
  operationTimeout: 68,
  argumentUnsupported: 74,
  authUnavailable: 94,
  agentUnresponsive: 86,
  resourceBusy: 87,
  agentUnsynced: 97,
  deviceMissing: 99,
  noDomainCheckpoint: 103,
  noDomainBackup: 104,
  checkpointInconsistent: 109,
  agentCommandTimeout: 112,
  agentCommandFailed: 113,
} as const;

export type LibvirtErrorName = keyof typeof LIBVIRT_ERRORS;

/** Whether an error, or anything that caused it, is a refusal by libvirt of one of these kinds. */
export function isLibvirtRefusal(error: unknown, ...names: readonly LibvirtErrorName[]): boolean {
  const numbers = names.map((name) => LIBVIRT_ERRORS[name] as number);
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 10; at = at.cause, depth += 1) {
    if (at instanceof LibvirtRefusal && numbers.includes(at.number)) return true;
  }
  return false;
}
