/**
 * A datamover counts as live when it was seen within this time; an order waits as long for one that is
 * away.
 */
export const LIVE_MS = 60_000;

/** Instances that are looked at side by side: enough to hide the cloud's latency, not enough to burden it. */
export const OBSERVATIONS_AT_ONCE = 8;

/** How long things may take before a step gives up; the cloud's own time-outs are shorter. */
export const VOLUME_WAIT_MS = 10 * 60_000;
export const IMAGE_WAIT_MS = 5 * 60_000;
/** Cinder fetches an image as large as the volume and writes it: two terabytes at 50 MB/s. */
export const IMAGE_COPY_WAIT_MS = 12 * 3_600_000;
/** Nova asks a guest for a disk eight times, 20 s each, before it gives up. */
export const DETACH_WAIT_MS = 5 * 60_000;
/** Between two looks at an attachment that takes its time. */
export const ATTACHMENT_PAUSE_MS = 2_000;
export const SERVER_WAIT_MS = 15 * 60_000;
/** Nova gives a guest a minute by default to shut down by itself, images may ask for more. */
export const POWER_WAIT_MS = 10 * 60_000;

/**
 * A datamover reads this much of what a bitmap calls unchanged, and compares it, on each disk of each run.
 */
export const AUDIT_BYTES = 64 * 1024 * 1024;

/**
 * How long a snapshot waits until Nova has done what it is doing to an instance: a migration takes its time.
 */
export const AT_REST_WAIT_MS = 30 * 60_000;
export const AT_REST_PAUSE_MS = 2_000;
