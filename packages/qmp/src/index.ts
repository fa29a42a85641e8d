export { connectQmp, type ExecuteOptions, type QmpAddress, QmpClient } from "./client.ts";
export type { QmpEvent } from "./codec.ts";
export { isRefusal, type QmpProtocolFault, QmpRefusal } from "./faults.ts";
