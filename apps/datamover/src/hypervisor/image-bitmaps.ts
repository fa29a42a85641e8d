import { qemuImg } from "../host/commands.ts";
import { fieldsOf, listOf, optionalText } from "../host/json.ts";
import { PREFIX } from "./names.ts";
import type { DiskImage } from "./port.ts";

/**
 * Removes bitmaps of ours from the image of a stopped instance. QEMU's own lock refuses it while the image is
 * in use.
 */
export async function removeImageBitmaps(
  disk: Pick<DiskImage, "path" | "format">,
  isUnwanted: (name: string) => boolean,
  signal: AbortSignal,
): Promise<void> {
  if (disk.format !== "qcow2") return;
  const info = fieldsOf(
    JSON.parse(await qemuImg(["info", "--output=json", "-f", "qcow2", disk.path], signal)),
  );
  const specific = fieldsOf(fieldsOf(info["format-specific"])["data"]);
  for (const bitmap of listOf(specific["bitmaps"])) {
    const name = optionalText(bitmap, "name") ?? "";
    if (!name.startsWith(PREFIX) || !isUnwanted(name)) continue;
    await qemuImg(["bitmap", "--remove", "-f", "qcow2", disk.path, name], signal);
  }
}
