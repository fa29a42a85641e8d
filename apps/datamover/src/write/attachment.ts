import { createHash } from "node:crypto";
import { join, resolve, sep } from "node:path";
import { Fault } from "@cairn/kernel";
import { type Fields, fieldsOf, optionalText, textField } from "../host/json.ts";
import type { RbdImage } from "../hypervisor/image-node.ts";

const FROM = "Cinder's connection_info";

/** A volume that Cinder attached to this host. */
export type AttachedVolume =
  | {
      readonly kind: "file";
      readonly path: string;
      readonly format: "qcow2" | "raw";
      /** For os-brick, which mounts the share where it is not. */
      readonly connection: Fields;
    }
  | ({ readonly kind: "rbd" } & RbdImage)
  /** For os-brick: whatever we know nothing of ourselves. */
  | { readonly kind: "brick"; readonly connection: Fields };

/**
 * Where a volume lies that Cinder attached to this host, from its connection_info: what os-brick calls `data`
 * stands flat beside `driver_volume_type` (cinder/volume/manager.py, attachment_update).
 */
export function attachedVolume(connectionInfo: unknown, folder: string): AttachedVolume {
  const info = fieldsOf(connectionInfo);
  const type = textField(info, "driver_volume_type", FROM);
  if (info["encrypted"] === true) {
    const what = `attaching an encrypted volume of type ${type}: what is written must be enciphered first`;
    throw new Fault("attachment-unsupported", what, "after-operator");
  }
  switch (type) {
    case "nfs":
      return attachedFile(info, folder);
    case "rbd":
      return attachedRbd(info);
    default:
      return { kind: "brick", connection: info };
  }
}

/** What Cinder's RBD driver tells (cinder/volume/drivers/rbd.py, initialize_connection). */
function attachedRbd(info: Fields): AttachedVolume {
  const [pool = "", image = ""] = textField(info, "name", FROM).split("/");
  const ports = textsOf(info["ports"]);
  const hosts = textsOf(info["hosts"]).map((host, index) => ({
    host: host.replace(/^\[(.*)\]$/, "$1"),
    port: ports[index] ?? "6789",
  }));
  const isKeyed = info["auth_enabled"] === true;
  return {
    kind: "rbd",
    pool,
    image,
    hosts,
    user: isKeyed ? textField(info, "auth_username", FROM) : undefined,
    secretUuid: isKeyed ? textField(info, "secret_uuid", FROM) : undefined,
  };
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/**
 * The shape of Cinder's NFS driver, mounted where Nova mounts it on this host (its `nfs_mount_point_base`,
 * md5 of the export, name: nova/virt/libvirt/volume/fs.py). The `mount_point_base` of a connection_info is
 * where Cinder's own hosts have it. The path must lie in our folder, whatever the connection_info says.
 */
function attachedFile(info: Fields, folder: string): AttachedVolume {
  const name = textField(info, "name", FROM);
  // os-brick hashes the export for the name of the mount point; it protects nothing.
  const mount = createHash("md5")
    .update(textField(info, "export", FROM))
    .digest("hex");
  const path = resolve(join(folder, mount, name));
  if (!path.startsWith(`${resolve(folder)}${sep}`)) {
    throw new Fault("attachment-outside", `attaching ${path}, which is not in ${folder}`, "never");
  }
  const format = optionalText(info, "format") ?? "raw";
  if (format !== "raw" && format !== "qcow2") {
    throw new Fault("format-unknown", `attaching ${path} of format ${format}`, "never");
  }
  return { kind: "file", path, format, connection: { ...info, mount_point_base: resolve(folder) } };
}
