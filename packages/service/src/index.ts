export {
  boolean,
  type Choice,
  type ConfigOf,
  type ConfigSpec,
  choice,
  type Field,
  integer,
  optional,
  path,
  secret,
  text,
} from "./config-fields.ts";
export { readKeyFile, readPrivateFile } from "./key-file.ts";
export { createLog, type Log, type LogFields, type LogLevel, type LogOptions } from "./log.ts";
export { type Running, runService, type ServiceContext, type ServiceDefinition } from "./run-service.ts";
export { databaseSettings, keySettings, keystoneSettings } from "./settings.ts";
export { type FaultSeen, Status, type StatusReport } from "./status.ts";
export { answerStatus, type StatusServer, serveStatus } from "./status-http.ts";
export { readTls, type TrustedTls } from "./tls.ts";
