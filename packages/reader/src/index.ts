export type { ServedDisk, ServedSnapshot, ServeOptions } from "./serve.ts";
