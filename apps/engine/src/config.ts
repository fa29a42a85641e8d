import { choice, integer, path, secret, text } from "@cairn/service";

/** Settings of cairn-engine. */
export const engineSpec = {
  database: { url: text({ help: "postgres://… of the service's database" }) },
  keystone: {
    authUrl: text({ help: "Keystone, with /v3" }),
    username: text({ help: "the service user" }),
    password: secret(),
    projectName: text({ default: "service" }),
    domain: text({ default: "Default" }),
    region: text({ default: "RegionOne" }),
    interface: choice(["public", "internal", "admin"], { default: "internal" }),
  },
  keys: { keyFile: path({ help: "file with the base64 of the 32 bytes that wrap repositories' keys" }) },
  target: { defaultPath: path({ help: "directory of the default backup target" }) },
  engine: {
    runsMax: integer({ min: 1, max: 64, default: 8, help: "runs worked on at once" }),
    leaseMs: integer({
      min: 2_000,
      max: 60_000,
      default: 12_000,
      help: "how long a run stays with an engine that gives no sign of life",
    }),
  },
  status: {
    listenHost: text({ default: "127.0.0.1" }),
    listenPort: integer({ min: 0, max: 65_535, default: 0, help: "0: any free port" }),
  },
} as const;
