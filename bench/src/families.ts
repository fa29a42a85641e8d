import { againRows } from "./again-rows.ts";
import { bucketRows } from "./bucket-rows.ts";
import type { Family } from "./rows.ts";
import { serveRows } from "./serve-rows.ts";
import { sparseRows } from "./sparse-rows.ts";
import { sweepRows } from "./sweep-rows.ts";

/**
 * All rows beside the race, in the order in which they are measured. A new family is a file and a line here.
 */
export const FAMILIES: readonly Family[] = [againRows, serveRows, sparseRows, bucketRows, sweepRows];
