/**
 * Numbers of libvirt's wire protocol. They are facts of `src/remote/remote_protocol.x`,
 * `src/remote/qemu_protocol.x` and `src/rpc/virkeepaliveprotocol.x` in libvirt's source; a number once given
 * never changes its meaning. Checked against libvirt 9.0.
 */
export const PROGRAMS = {
  remote: { number: 0x20008086, version: 1 },
  qemu: { number: 0x20008087, version: 1 },
  keepalive: { number: 0x6b656570, version: 1 },
} as const;

export type Program = keyof typeof PROGRAMS;

/** Calls that this client makes, of the program `remote`. */
export const REMOTE = {
  connectOpen: 1,
  connectClose: 2,
  connectGetVersion: 4,
  domainDefineXml: 11,
  domainDestroy: 12,
  domainGetXmlDesc: 14,
  domainLookupByName: 23,
  domainLookupByUuid: 24,
  domainResume: 28,
  domainSuspend: 34,
  connectGetHostname: 59,
  connectSupportsFeature: 60,
  authList: 66,
  authPolkit: 70,
  connectGetLibVersion: 157,
  domainGetJobInfo: 163,
  domainAbortJob: 164,
  domainCreateWithFlags: 196,
  domainGetState: 212,
  domainUndefineFlags: 231,
  connectListAllDomains: 273,
  domainGetJobStats: 298,
  connectDomainEventCallbackRegisterAny: 316,
  connectDomainEventCallbackDeregisterAny: 317,
  domainFsfreeze: 335,
  domainFsthaw: 336,
  domainSetBlockThreshold: 386,
  domainCheckpointCreateXml: 411,
  domainListAllCheckpoints: 413,
  domainCheckpointLookupByName: 415,
  domainCheckpointDelete: 417,
  domainBackupBegin: 421,
  domainBackupGetXmlDesc: 422,
  secretLookupByUuid: 141,
  secretGetValue: 145,
} as const;

/** Calls of the program `qemu`. */
export const QEMU = { domainMonitorCommand: 1, domainAgentCommand: 3 } as const;

/** Messages of the program `remote` that carry events; each begins with the id of its registration. */
export const EVENT_MESSAGES = {
  lifecycle: 318,
  ioErrorReason: 324,
  blockJob2: 339,
  agentLifecycle: 348,
  jobCompleted: 363,
  blockThreshold: 385,
} as const;

/** Ids of events to register for (`virDomainEventID`). */
export const EVENT_IDS = {
  lifecycle: 0,
  ioErrorReason: 6,
  blockJob2: 16,
  agentLifecycle: 18,
  jobCompleted: 21,
  blockThreshold: 24,
} as const satisfies Record<keyof typeof EVENT_MESSAGES, number>;

export type EventKind = keyof typeof EVENT_IDS;

/** Messages of the program `keepalive`. */
export const KEEPALIVE = { ping: 1, pong: 2 } as const;

/** `VIR_DRV_FEATURE_PROGRAM_KEEPALIVE`: asking for it makes the daemon send pings, too. */
export const FEATURE_KEEPALIVE = 11;
