import { rename, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { build } from "vite";

/**
 * Builds the console into `dist`, which cairn-api serves. It is built beside and then moved, so that whoever
 * starts meanwhile finds a whole one.
 */
const room = resolve(import.meta.dirname, "..");
const next = resolve(room, "dist.next");
const made = resolve(room, "dist");

await build({
  root: room,
  configFile: false,
  // Addresses count from the page, so that it may be served below any path.
  base: "./",
  logLevel: "error",
  // A kit that asks the document who has the focus hears of the root's host only: `active-element.ts`.
  define: { "document.activeElement": "globalThis.cairnActiveElement" },
  build: {
    outDir: next,
    emptyOutDir: true,
    target: "es2023",
    assetsInlineLimit: 0,
    // Another server's page, such as Horizon's, finds the first script by it.
    manifest: "manifest.json",
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
await rm(made, { recursive: true, force: true });
await rename(next, made);
