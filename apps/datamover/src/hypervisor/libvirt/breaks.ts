import { Fault } from "@cairn/kernel";
import type { DomainEvent } from "@cairn/libvirt";

/** `VIR_DOMAIN_EVENT_SUSPENDED_IOERROR`. */
const SUSPENDED_FOR_IO_ERROR = 2;

/** Why a point cannot go on after this event; nothing when it can. */
export function breaks(event: DomainEvent): Fault | undefined {
  const { uuid } = event.domain;
  switch (event.kind) {
    case "lifecycle":
      return lifecycleBreaks(event.event, event.detail, uuid);
    case "blockThreshold":
      return new Fault("scratch-full", `scratch of ${event.device} of ${uuid} was filling up`, "later");
    case "ioErrorReason":
      if (event.action !== "pause") return undefined;
      return new Fault("guest-paused", `a write of instance ${uuid} failed: ${event.reason}`, "later");
    case "jobCompleted":
      return new Fault("point-lost", `the job on instance ${uuid} was ended by somebody else`, "later");
    case "agentLifecycle":
    case "blockJob2":
      return undefined;
  }
}

function lifecycleBreaks(event: string, detail: number, uuid: string): Fault | undefined {
  switch (event) {
    case "stopped":
    case "crashed":
      return new Fault("qemu-died", `instance ${uuid} has stopped`, "later");
    // Nova's soft reboot and the guest's own power-off: libvirt cannot finish them while the job runs
    // (nova-bitmaps.md, 4.1).
    case "shutdown":
      return new Fault("qemu-died", `instance ${uuid} shuts down`, "later");
    case "suspended":
      if (detail !== SUSPENDED_FOR_IO_ERROR) return undefined;
      return new Fault("guest-paused", `instance ${uuid} was paused because a write failed`, "later");
    default:
      return undefined;
  }
}
