export { directoryStore } from "./directory.ts";
export { type FaultPlan, faultyStore, type StoreCall } from "./faulty.ts";
export { memoryStore } from "./memory.ts";
export type { Store } from "./store.ts";
