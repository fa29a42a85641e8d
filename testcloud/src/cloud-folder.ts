import { randomBytes, randomUUID } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { Rejection } from "@cairn/kernel";
import { readIfThere, writeWhole } from "./disk.ts";
import type { Layout } from "./layout.ts";
import { newSettings, type Profile, parseSettings, type Settings } from "./settings.ts";

const CHANCE = { password: () => randomBytes(16).toString("hex"), uuid: () => randomUUID() };

/** What the folder holds. */
export type FolderContent =
  | { readonly kind: "nothing" }
  | { readonly kind: "cloud"; readonly settings: Settings }
  | { readonly kind: "foreign" };

export function readFolder(layout: Layout): FolderContent {
  const text = readIfThere(layout.settingsFile);
  if (text !== undefined) return { kind: "cloud", settings: { ...parseSettings(text), layout } };
  const isEmpty = !existsSync(layout.root) || readdirSync(layout.root).length === 0;
  return { kind: isEmpty ? "nothing" : "foreign" };
}

/**
 * The settings of the folder's cloud, or new ones that are not stored yet. The profile of a folder never
 * changes: volumes and images would lose what they lie on.
 */
export function settingsFor(layout: Layout, wished: Profile | undefined): Settings {
  const content = readFolder(layout);
  switch (content.kind) {
    case "foreign":
      throw new Rejection(`${layout.root} holds something that is not a test cloud`, {
        status: 409,
        remedy: "choose an empty or absent one with --folder",
      });
    case "nothing":
      return { ...newSettings(wished ?? "light", CHANCE), layout };
    case "cloud":
      if (wished !== undefined && wished !== content.settings.profile) {
        throw new Rejection(`${layout.root} holds a cloud of the profile ${content.settings.profile}`, {
          status: 409,
          remedy: `use another --folder, or first: ./cairn testcloud purge --folder ${layout.root}`,
        });
      }
      return content.settings;
  }
}

/** From here on `purge` knows that the folder is ours. */
export function storeSettings({ layout, ...stored }: Settings): void {
  writeWhole(layout.settingsFile, `${JSON.stringify(stored, undefined, 2)}\n`, 0o600);
}
