import type { DiskImage } from "./port.ts";

/** An image of Ceph's, as Nova and Cinder name it. */
export interface RbdImage {
  readonly pool: string;
  readonly image: string;
  /** Monitors. */
  readonly hosts: readonly { readonly host: string; readonly port: string }[];
  /** The Ceph user; absent where the cluster asks for none. */
  readonly user: string | undefined;
  /** libvirt's secret that holds the user's key. */
  readonly secretUuid: string | undefined;
}

type OpenedWith = Pick<DiskImage, "storage" | "objects">;

/** A file as QEMU's block layer takes it. */
export function fileNode(path: string): OpenedWith {
  return { storage: { driver: "file", filename: path } };
}

/** An image of Ceph's as QEMU's block layer takes it (qapi/block-core.json, BlockdevOptionsRbd). */
export async function rbdNode(
  { pool, image, hosts, user, secretUuid }: RbdImage,
  keyOf: (secretUuid: string) => Promise<Buffer>,
): Promise<OpenedWith> {
  const node = { driver: "rbd", pool, image, server: hosts, ...(user === undefined ? {} : { user }) };
  if (secretUuid === undefined) return { storage: node };
  const id = `key-${secretUuid}`;
  const key = await keyOf(secretUuid);
  const secret = { "qom-type": "secret", id, format: "base64", data: key.toString("base64") };
  return { storage: { ...node, "key-secret": id }, objects: [secret] };
}
