/** What JSON can say, as an answer of the cloud or a body for it. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object whose fields nobody has looked at yet. */
export interface JsonObject {
  readonly [field: string]: Json;
}
