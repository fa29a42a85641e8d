import { execFileSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Fault } from "@cairn/kernel";
import { makeFolders, readIfThere, writeWhole } from "./disk.ts";
import type { Layout } from "./layout.ts";

/** Something of the machine as it was before `up` changed it. */
export type FormerThing =
  /** A file or folder; the copy lies below `former/`, under the same path. */
  | { readonly kind: "path"; readonly path: string; readonly was: "there" | "absent" }
  /** A setting of the kernel, by its file below /proc/sys. */
  | { readonly kind: "kernel"; readonly path: string; readonly value: string };

/**
 * What `up` changed outside the cloud's folder, written down before it is changed, so that `purge` can put it
 * back whenever `up` was interrupted. Only the first note of a thing counts.
 */
export class Journal {
  readonly #layout: Layout;

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  entries(): readonly FormerThing[] {
    const text = readIfThere(this.#layout.journalFile);
    return text === undefined ? [] : parseJournal(text);
  }

  /** Keeps a copy of a file or folder. The note follows it: a note without a copy would remove things. */
  keepPath(path: string): void {
    if (this.#isNoted(path)) return;
    if (!existsSync(path)) {
      this.#note({ kind: "path", path, was: "absent" });
      return;
    }
    const copy = this.#copyOf(path);
    rmSync(copy, { recursive: true, force: true });
    makeFolders([dirname(copy)]);
    copyWhole(path, copy);
    this.#note({ kind: "path", path, was: "there" });
  }

  /** Writes a setting of the kernel; one that this kernel does not have is left out. */
  setKernel(path: string, value: string): void {
    const former = readIfThere(path)?.trim();
    if (former === undefined || former === value) return;
    if (!this.#isNoted(path)) this.#note({ kind: "kernel", path, value: former });
    writeFileSync(path, value);
  }

  /** Puts everything back, the latest first. May be done twice. */
  putBack(): void {
    for (const entry of this.entries().toReversed()) {
      switch (entry.kind) {
        case "kernel":
          writeFileSync(entry.path, entry.value);
          break;
        case "path":
          this.#putPathBack(entry.path, entry.was);
          break;
      }
    }
  }

  #putPathBack(path: string, was: "there" | "absent"): void {
    const copy = this.#copyOf(path);
    if (was === "there" && !existsSync(copy)) {
      throw new Fault("copy-missing", `putting ${path} back: ${copy} is missing`, "after-operator");
    }
    rmSync(path, { recursive: true, force: true });
    if (was === "there") copyWhole(copy, path);
  }

  #copyOf(path: string): string {
    return join(this.#layout.former, path);
  }

  #isNoted(path: string): boolean {
    return this.entries().some((entry) => entry.path === path);
  }

  #note(entry: FormerThing): void {
    const text = `${JSON.stringify([...this.entries(), entry], undefined, 2)}\n`;
    writeWhole(this.#layout.journalFile, text, 0o600);
  }
}

/** With owners and times, which Node's own copying leaves out. */
function copyWhole(from: string, to: string): void {
  execFileSync("cp", ["-a", "--", from, to], { stdio: "pipe" });
}

/** Fault `journal-unreadable` when it is not a list of notes: what it said would then not be put back. */
export function parseJournal(text: string): FormerThing[] {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.every((each) => isFormerThing(each))) return value;
  } catch (cause) {
    throw unreadable(cause);
  }
  throw unreadable();
}

function unreadable(cause?: unknown): Fault {
  return new Fault("journal-unreadable", "reading changes.json of the test cloud", "after-operator", cause);
}

function isFormerThing(value: unknown): value is FormerThing {
  if (typeof value !== "object" || value === null) return false;
  const { kind, path, was, value: former } = value as Record<string, unknown>;
  if (typeof path !== "string") return false;
  return kind === "path"
    ? was === "there" || was === "absent"
    : kind === "kernel" && typeof former === "string";
}
