import { assert } from "@cairn/kernel";

const CLUSTER_BITS = 16;
const CLUSTER_BYTES = 2 ** CLUSTER_BITS;
/** One cluster of L2 entries of 8 bytes, each of which is one cluster of the disk: 512 MiB. */
const L2_COVERS_BYTES = (CLUSTER_BYTES / 8) * CLUSTER_BYTES;
const HEADER_BYTES = 104;
/**
 * The first clusters: header, refcount table, the one refcount block, the L2 table and the data of the disk's
 * begin.
 */
const FIXED_CLUSTERS = 5;
const SECTOR_BYTES = 512;
/** Bit 63 of an entry: its cluster is nobody else's. */
const COPIED = 1n << 63n;

/**
 * Waits 3 s, then turns the machine off through the BIOS (APM 1.2): 16-bit code at 0x7c00. Nova's stop asks a
 * guest to shut down and gives it a minute by default; a disk without a system would use it up. The wait is
 * for Nova, which looks whether the machine has come up. Firmware other than a BIOS does not run it, and the
 * stop takes its minute.
 */
const BOOT_CODE = Buffer.from(
  [
    "fb", // sti: the BIOS counts time by interrupts
    "b92d00 bac0c6 b486 cd15", // wait for cx:dx = 3,000,000 microseconds (int 15h, ah=86h)
    "b80153 31db cd15", // APM: connect in real mode
    "b80e53 31db b90201 cd15", // APM: we speak version 1.2
    "b80753 bb0100 b90300 cd15", // APM: all devices off
    "f4 ebfd", // hlt, for ever, where the BIOS knows no APM
  ]
    .join("")
    .replaceAll(" ", ""),
  "hex",
);
const BOOT_SIGNATURE = 0xaa55;

/**
 * A qcow2 image for an instance that is stopped and written at once: zeroes, but for a boot sector that turns
 * the machine off. A terabyte takes 512 KiB. (Format: QEMU's docs/interop/qcow2.txt, version 3.)
 */
export function placeholderImage(virtualSizeBytes: number): Buffer {
  assert(virtualSizeBytes > 0 && virtualSizeBytes % SECTOR_BYTES === 0, "an image is whole sectors");
  const l1Entries = Math.ceil(virtualSizeBytes / L2_COVERS_BYTES);
  const l1Clusters = Math.ceil((l1Entries * 8) / CLUSTER_BYTES);
  const clusters = FIXED_CLUSTERS + l1Clusters;
  const image = Buffer.alloc(clusters * CLUSTER_BYTES);
  const [table, block, l2, data, l1] = [1, 2, 3, 4, 5].map((cluster) => cluster * CLUSTER_BYTES) as Places;
  image.write("QFI\xfb", 0, "latin1");
  image.writeUInt32BE(3, 4);
  image.writeUInt32BE(CLUSTER_BITS, 20);
  image.writeBigUInt64BE(BigInt(virtualSizeBytes), 24);
  image.writeUInt32BE(l1Entries, 36);
  image.writeBigUInt64BE(BigInt(l1), 40);
  image.writeBigUInt64BE(BigInt(table), 48);
  image.writeUInt32BE(1, 56);
  image.writeUInt32BE(4, 96); // refcount_order: 16 bits an entry
  image.writeUInt32BE(HEADER_BYTES, 100);
  image.writeBigUInt64BE(BigInt(block), table);
  assert(clusters <= CLUSTER_BYTES / 2, "one refcount block covers the image");
  for (let cluster = 0; cluster < clusters; cluster += 1) image.writeUInt16BE(1, block + cluster * 2);
  image.writeBigUInt64BE(BigInt(l2) | COPIED, l1);
  image.writeBigUInt64BE(BigInt(data) | COPIED, l2);
  BOOT_CODE.copy(image, data);
  image.writeUInt16LE(BOOT_SIGNATURE, data + SECTOR_BYTES - 2);
  return image;
}

type Places = [number, number, number, number, number];
