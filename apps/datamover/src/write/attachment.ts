import { createHash } from "node:crypto";
import { join, resolve, sep } from "node:path";
import { Fault } from "@cairn/kernel";
import { fieldsOf, optionalText, textField } from "../host/json.ts";
import type { DiskImage } from "../hypervisor/port.ts";

/**
 * The file of a volume that Cinder attached to this host, from its connection_info: the shape of Cinder's NFS
 * driver, mounted where os-brick's RemoteFsConnector mounts it (`<mount_point_base>/<md5 of the
 * export>/<name>`). The path must lie in the folder where this host has its mounts, whatever the
 * connection_info says.
 */
export function attachedImage(connectionInfo: unknown, folder: string): DiskImage {
  const info = fieldsOf(connectionInfo);
  const from = "Cinder's connection_info";
  const type = textField(info, "driver_volume_type", from);
  if (type !== "nfs") {
    throw new Fault("attachment-unsupported", `attaching a volume of type ${type}`, "after-operator");
  }
  const data = fieldsOf(info["data"]);
  const name = textField(data, "name", from);
  // os-brick hashes the export for the name of the mount point; it protects nothing.
  const mount = createHash("md5")
    .update(textField(data, "export", from))
    .digest("hex");
  const path = resolve(join(textField(info, "mount_point_base", from), mount, name));
  if (!path.startsWith(`${resolve(folder)}${sep}`)) {
    throw new Fault("attachment-outside", `attaching ${path}, which is not in ${folder}`, "never");
  }
  const format = optionalText(data, "format") ?? "raw";
  if (format !== "raw" && format !== "qcow2") {
    throw new Fault("format-unknown", `attaching ${path} of format ${format}`, "never");
  }
  return { path, format };
}
