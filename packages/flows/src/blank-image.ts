import { assert } from "@cairn/kernel";

const CLUSTER_BITS = 16;
const CLUSTER_BYTES = 2 ** CLUSTER_BITS;
/** One cluster of L2 entries of 8 bytes, each of which is one cluster of the disk: 512 MiB. */
const L2_COVERS_BYTES = (CLUSTER_BYTES / 8) * CLUSTER_BYTES;
const HEADER_BYTES = 104;

/**
 * An empty qcow2 image, which reads as zeroes everywhere: header, refcount table, one refcount block, and an
 * L1 table without entries. A terabyte takes 256 KiB. (Format: QEMU's docs/interop/qcow2.txt, version 3.)
 */
export function blankImage(virtualSizeBytes: number): Buffer {
  assert(virtualSizeBytes > 0 && virtualSizeBytes % 512 === 0, "an image is whole sectors");
  const l1Entries = Math.ceil(virtualSizeBytes / L2_COVERS_BYTES);
  const l1Clusters = Math.ceil((l1Entries * 8) / CLUSTER_BYTES);
  const clusters = 3 + l1Clusters;
  const image = Buffer.alloc(clusters * CLUSTER_BYTES);
  image.write("QFI\xfb", 0, "latin1");
  image.writeUInt32BE(3, 4);
  image.writeUInt32BE(CLUSTER_BITS, 20);
  image.writeBigUInt64BE(BigInt(virtualSizeBytes), 24);
  image.writeUInt32BE(l1Entries, 36);
  image.writeBigUInt64BE(BigInt(3 * CLUSTER_BYTES), 40);
  // Refcount table: one cluster, whose first entry points at the one refcount block.
  image.writeBigUInt64BE(BigInt(CLUSTER_BYTES), 48);
  image.writeUInt32BE(1, 56);
  image.writeUInt32BE(4, 96); // refcount_order: 16 bits an entry
  image.writeUInt32BE(HEADER_BYTES, 100);
  image.writeBigUInt64BE(BigInt(2 * CLUSTER_BYTES), CLUSTER_BYTES);
  assert(clusters <= CLUSTER_BYTES / 2, "one refcount block covers a blank image");
  for (let cluster = 0; cluster < clusters; cluster += 1) {
    image.writeUInt16BE(1, 2 * CLUSTER_BYTES + cluster * 2);
  }
  return image;
}
