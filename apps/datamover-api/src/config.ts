import { databaseSettings, integer, keySettings, text } from "@cairn/service";

/** Settings of cairn-datamover-api. */
export const datamoverApiSpec = {
  database: databaseSettings,
  keys: keySettings,
  datamoverApi: {
    listenHost: text({ default: "127.0.0.1" }),
    listenPort: integer({ min: 0, max: 65_535, default: 8784 }),
    leaseMs: integer({
      min: 2_000,
      max: 60_000,
      default: 30_000,
      help: "how long an order stays with a datamover that does not report",
    }),
  },
} as const;
