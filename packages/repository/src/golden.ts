import { createHash } from "node:crypto";
import { encodeCommitHeader } from "./commit/codec.ts";
import type { Commit } from "./commit/commit.ts";
import type { RepositoryKeys } from "./keys.ts";
import { encodeMarker } from "./marker/codec.ts";
import {
  encodeFooterEnd,
  encodeFooterStart,
  encodePackHeader,
  encodeRecordHeader,
  encodeTrailer,
} from "./pack/codec.ts";
import { encodeInner, encodeLeaf, encodePageAddress, encodeRoot } from "./page/codec.ts";
import type { ChunkAddress, Region } from "./page/page.ts";
import { encodeSegmentBody, encodeSegmentHeader } from "./segment/codec.ts";
import { encodeSessionBegin, encodeSessionEnd } from "./session/codec.ts";
import type { SessionBegin, SessionEnd } from "./session/session.ts";
import { encodeState } from "./state/codec.ts";
import type { MaintenanceState } from "./state/state.ts";

/** Bytes that anybody can make again: the first of SHA-256 of a word. */
export function bytesOf(word: string, length = 32): Buffer {
  return createHash("sha256").update(word).digest().subarray(0, length);
}

export const GOLDEN_REPOSITORY = "0123abcd-4567-4ef0-89ab-cdef01234567";
export const GOLDEN_KEYS: RepositoryKeys = {
  id: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
  chunkId: bytesOf("chunk id"),
  epochs: [{ epoch: 0, structure: bytesOf("structure"), data: bytesOf("data") }],
};
export const GOLDEN_MASTER_KEY = bytesOf("master");

export const GOLDEN_COMMIT: Commit = {
  formatVersion: 1,
  snapshotId: "33333333-3333-4333-8333-333333333333",
  workloadId: "11111111-1111-4111-8111-111111111111",
  projectId: "0f0f0f0f0f0f4f0f8f0f0f0f0f0f0f0f",
  createdAt: "2026-11-22T12:34:56.789Z",
  type: "incremental",
  metadata: { instances: [{ name: "Datenbank ☕", flavor: { ram: 2048 } }] },
  disks: [
    {
      diskId: "d",
      instanceId: "i",
      device: "vda",
      sizeBytes: 1024,
      root: "00".repeat(56),
    },
  ],
  indexSegments: ["i/00112233445566778899aabbccddeeff"],
};

export const GOLDEN_STATE: MaintenanceState = {
  epoch: 17,
  at: 1_795_348_800_000,
  by: "engine",
  condemned: [
    {
      pack: bytesOf("condemned", 16).toString("hex"),
      kind: "chunk",
      epoch: 16,
      at: 1_795_262_400_000,
      bytes: 24_000_000,
      why: "unreferenced",
    },
  ],
  deleting: [{ name: "i/00112233445566778899aabbccddeeff", bytes: 169, why: "written anew", by: "engine" }],
  damaged: [
    { pack: bytesOf("damaged", 16).toString("hex"), kind: "chunk", ids: [bytesOf("one").toString("hex")] },
    { pack: bytesOf("worse", 16).toString("hex"), kind: "page", ids: "all" },
  ],
  relocations: ["i/ffeeddccbbaa99887766554433221100"],
  lockFloor: 1_795_953_600_000,
  released: [{ epoch: 16, snapshots: ["44444444-4444-4444-8444-444444444444"] }],
  seen: {
    chunkPacks: 3,
    pagePacks: 2,
    segments: 1,
    commits: { "11111111-1111-4111-8111-111111111111": ["33333333-3333-4333-8333-333333333333"] },
    sessions: ["55555555-5555-4555-8555-555555555555"],
  },
};

export const GOLDEN_BEGIN: SessionBegin = {
  sessionId: "55555555-5555-4555-8555-555555555555",
  workloadId: "11111111-1111-4111-8111-111111111111",
  snapshotId: "33333333-3333-4333-8333-333333333333",
  bases: ["44444444-4444-4444-8444-444444444444"],
  epochSeen: 17,
  startedAt: 1_795_348_800_000,
  notAfter: 1_795_953_600_000,
};

export const GOLDEN_END: SessionEnd = {
  sessionId: "55555555-5555-4555-8555-555555555555",
  commit: {
    workloadId: "11111111-1111-4111-8111-111111111111",
    snapshotId: "33333333-3333-4333-8333-333333333333",
  },
  endedAt: 1_795_348_900_000,
};

export function chunkOf(word: string, plainBytes: number): ChunkAddress {
  return {
    id: bytesOf(word),
    pack: bytesOf(`pack of ${word}`, 16).toString("hex"),
    offset: 48 + plainBytes,
    storedBytes: 40 + (plainBytes >>> 1),
    plainBytes,
  };
}

const MiB = 1024 * 1024;
const GRAIN = 64 * 1024;

export const GOLDEN_REGIONS: readonly Region[] = [
  { kind: "whole", chunk: chunkOf("one", MiB) },
  { kind: "zero" },
  { kind: "zero" },
  {
    kind: "pieces",
    pieces: [
      { offset: 0, length: 2 * GRAIN, chunkOffset: GRAIN, chunk: chunkOf("two", MiB) },
      { offset: 15 * GRAIN, length: GRAIN, chunkOffset: 0, chunk: chunkOf("three", GRAIN) },
    ],
  },
  { kind: "whole", chunk: chunkOf("one", MiB) },
];

/** What each encoder makes of fixed values, in hex. golden.json has what it made when version 1 was fixed. */
export function goldenEncodings(): Readonly<Record<string, string>> {
  const page = {
    id: bytesOf("page"),
    pack: bytesOf("page pack", 16).toString("hex"),
    offset: 48,
    storedBytes: 99,
  };
  const entries = ["b", "a"].map((word) => chunkOf(word, GRAIN));
  const records = [
    { id: bytesOf("r"), offset: 48, storedBytes: 100, plainBytes: 60 },
    { id: bytesOf("s"), offset: 148, storedBytes: 41, plainBytes: 1 },
  ];
  const record = {
    kind: "chunk",
    keyEpoch: 0,
    compressed: true,
    plainBytes: MiB,
    payloadBytes: 1234,
  } as const;
  const encodings: Record<string, Buffer | string> = {
    marker: encodeMarker({ repositoryId: GOLDEN_REPOSITORY, requiredFeatures: 0n, optionalFeatures: 5n }),
    recordHeader: encodeRecordHeader(record),
    packHeader: encodePackHeader({
      kind: "page",
      repositoryId: GOLDEN_REPOSITORY,
      packId: page.pack,
      keyEpoch: 0,
    }),
    trailer: encodeTrailer(records),
    footerStart: encodeFooterStart(189, 128),
    footerEnd: encodeFooterEnd(0xdeadbeef),
    leaf: encodeLeaf(GOLDEN_REGIONS),
    inner: encodeInner(1, [undefined, page, undefined, page]),
    root: encodeRoot({
      diskBytes: 3 * 256 * MiB + 1,
      level: 0,
      children: [page, undefined, undefined, page],
    }),
    pageAddress: encodePageAddress(page),
    segmentHeader: encodeSegmentHeader(GOLDEN_REPOSITORY, page.pack, 0),
    segmentBody: encodeSegmentBody("chunk", entries),
    pageSegmentBody: encodeSegmentBody("page", entries),
    state: encodeState(GOLDEN_STATE),
    sessionBegin: encodeSessionBegin(GOLDEN_BEGIN),
    sessionEnd: encodeSessionEnd(GOLDEN_END),
    commitHeader: encodeCommitHeader(GOLDEN_REPOSITORY, 1_763_814_896_789, 0),
  };
  return Object.fromEntries(
    Object.entries(encodings).map(([name, bytes]) => [
      name,
      typeof bytes === "string" ? bytes : bytes.toString("hex"),
    ]),
  );
}
