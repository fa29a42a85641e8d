export * from "./orders.ts";
export { findMismatch, type Mismatch, matches, parseAs } from "./parse.ts";
