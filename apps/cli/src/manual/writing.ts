import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

/** Writes manual pages as files of section 1 into a folder, which is made if need be. */
export async function writePages(
  pages: ReadonlyMap<string, string>,
  { cwd, folder }: { readonly cwd: string; readonly folder: string },
): Promise<void> {
  const target = resolve(cwd, folder);
  await mkdir(target, { recursive: true });
  for (const [name, text] of pages) await writeFile(join(target, `${name}.1`), text);
}
