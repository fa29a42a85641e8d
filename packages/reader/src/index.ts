export {
  KEY_FLAGS,
  type KeyOptions,
  type OpenedKeys,
  openKeys,
  readCredentials,
  readPassphrase,
  readSecretFile,
} from "./open-keys.ts";
export type { ServedDisk, ServedSnapshot, ServeOptions } from "./serve.ts";
