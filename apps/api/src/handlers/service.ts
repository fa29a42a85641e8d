import { openapi } from "@cairn/contract";
import type { Handlers } from "../server.ts";

/** What is answered without a token. */
export function serviceHandlers(): Pick<Handlers, "listVersions" | "showOpenApi"> {
  const document = openapi();
  return {
    listVersions: async ({ origin }) => ({
      versions: [
        {
          id: "v1.0",
          status: "CURRENT",
          updated: "2026-01-01T00:00:00Z",
          links: [{ rel: "self", href: `${origin}/v1/` }],
        },
      ],
    }),
    showOpenApi: async () => document,
  };
}
