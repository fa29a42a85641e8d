/** What `--version` prints. */
export const VERSION = "0.1.0";
/** The day of that version, as manual pages name it. */
export const RELEASED = "2026-11-23";
