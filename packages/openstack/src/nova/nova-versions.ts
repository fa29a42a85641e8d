/**
 * What the decoders here are written for. Queens speaks up to 2.60; 2.79 is the last before the form of
 * volume attachments changed (Train; 2.89 drops their id). What is written differently in between asks for
 * the version (`client.version`), and what an old Nova cannot do at all names its range in the call.
 */
export const NOVA_VERSIONS = { least: "2.60", most: "2.79" };
