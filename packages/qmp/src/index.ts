export { connectQmp, type ExecuteOptions, type QmpAddress, QmpClient } from "./client.ts";
export { decodeMessage, encodeCommand, LineCutter, type QmpEvent, type QmpMessage } from "./codec.ts";
export { isRefusal, QmpProtocolFault, QmpRefusal } from "./faults.ts";
