import { type DomainRef, type ParameterValue, takeDomain, takeParameters } from "./domain.ts";
import { EVENT_MESSAGES, type EventKind } from "./procedures.ts";
import { XdrReader } from "./xdr.ts";

const LIFECYCLES = [
  "defined",
  "undefined",
  "started",
  "suspended",
  "resumed",
  "stopped",
  "shutdown",
  "pm-suspended",
  "crashed",
] as const;

/** What became of a domain (`virDomainEventType`). `shutdown`: the guest has ended, QEMU is about to. */
export type Lifecycle = (typeof LIFECYCLES)[number] | "unknown";

/** Something that happened to a domain without being asked for. */
export type DomainEvent =
  | {
      readonly kind: "lifecycle";
      readonly domain: DomainRef;
      readonly event: Lifecycle;
      /** Why, by libvirt's number for this kind of event. */
      readonly detail: number;
    }
  | {
      readonly kind: "blockThreshold";
      readonly domain: DomainRef;
      /** As the threshold was set: `vdb[7]`. */
      readonly device: string;
      readonly thresholdBytes: number;
      readonly excessBytes: number;
    }
  | {
      readonly kind: "blockJob2";
      readonly domain: DomainRef;
      /** The target, `vdb`. */
      readonly device: string;
      readonly jobType: number;
      readonly status: number;
    }
  | {
      readonly kind: "ioErrorReason";
      readonly domain: DomainRef;
      readonly path: string;
      readonly alias: string;
      readonly action: "none" | "pause" | "report";
      readonly reason: string;
    }
  | { readonly kind: "agentLifecycle"; readonly domain: DomainRef; readonly connected: boolean }
  | {
      readonly kind: "jobCompleted";
      readonly domain: DomainRef;
      readonly parameters: ReadonlyMap<string, ParameterValue>;
    };

/** The event of a message, or nothing when it is of a kind that we do not register for. */
export function decodeEvent(procedure: number, payload: Buffer): DomainEvent | undefined {
  const kind = KIND_OF.get(procedure);
  if (kind === undefined) return undefined;
  const reader = new XdrReader(payload);
  // The id of the registration: one registration a kind is all this client makes.
  reader.int();
  const domain = takeDomain(reader);
  switch (kind) {
    case "lifecycle":
      return { kind, domain, event: LIFECYCLES[reader.int()] ?? "unknown", detail: reader.int() };
    case "blockThreshold": {
      const device = reader.text();
      reader.optional(() => reader.text());
      return { kind, domain, device, thresholdBytes: reader.ulong(), excessBytes: reader.ulong() };
    }
    case "blockJob2":
      return { kind, domain, device: reader.text(), jobType: reader.int(), status: reader.int() };
    case "ioErrorReason":
      return {
        kind,
        domain,
        path: reader.text(),
        alias: reader.text(),
        action: (["none", "pause", "report"] as const)[reader.int()] ?? "none",
        reason: reader.text(),
      };
    case "agentLifecycle":
      return { kind, domain, connected: reader.int() === 1 };
    case "jobCompleted":
      return { kind, domain, parameters: takeParameters(reader) };
  }
}

const KIND_OF: ReadonlyMap<number, EventKind> = new Map(
  (Object.keys(EVENT_MESSAGES) as EventKind[]).map((kind) => [EVENT_MESSAGES[kind], kind]),
);
