/**
 * What a numbered write covers and holds is a function of its number, known to the guest and to the model.
 */

export const BLOCK_BYTES = 4096;
/** A slot is a stretch of blocks that is written to; slots lie far apart, so that a disk is mostly hole. */
export const SLOT_BLOCKS = 16;
const LINE_BYTES = 64;
const LINES_IN_BLOCK = BLOCK_BYTES / LINE_BYTES;

/** A disk that the guest writes to. */
export interface WrittenDisk {
  /** Its name in the written lines; never that of another disk. */
  readonly key: string;
  readonly slots: number;
}

/** One write: as a whole on the disk before the next one begins. */
export interface GuestWrite {
  readonly number: number;
  /** Index into the disks. */
  readonly disk: number;
  /** The first block, counted over all slots of the disk. */
  readonly firstBlock: number;
  readonly blocks: number;
  /** Zeroes instead of lines. */
  readonly isZero: boolean;
}

/** The write with this number; `writerScript` computes the same. */
export function guestWrite(seed: number, number: number, disks: readonly WrittenDisk[]): GuestWrite {
  const hash = mix(seed, number);
  const disk = (hash & 255) % disks.length;
  const slot = ((hash >>> 8) & 4095) % (disks[disk]?.slots ?? 1);
  const first = (hash >>> 20) & 15;
  const blocks = 1 + (((hash >>> 24) & 15) % (SLOT_BLOCKS - first));
  return { number, disk, firstBlock: slot * SLOT_BLOCKS + first, blocks, isZero: hash >>> 28 === 0 };
}

/** Multiply and shift as MurmurHash3 ends (public domain); 32 bits. */
function mix(seed: number, number: number): number {
  let hash = (Math.imul(number, 2654435761) + seed) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 15), 2246822519) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 13), 3266489917) >>> 0;
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** What a block holds after the write: each line tells seed, disk, number and its own place. */
export function blockContent(seed: number, key: string, number: number, block: number): Buffer {
  const lines = Array.from({ length: LINES_IN_BLOCK }, (_, index) =>
    lineOf(seed, key, number, block * LINES_IN_BLOCK + index),
  );
  return Buffer.from(lines.join(""), "latin1");
}

function lineOf(seed: number, key: string, number: number, line: number): string {
  return `${`cairn-truth ${seed} ${key} ${number} ${line}`.padEnd(LINE_BYTES - 1)}\n`;
}

const ZERO_BLOCK = Buffer.alloc(BLOCK_BYTES);
export const NOTHING = 0;
export const GARBAGE = -1;

/** The number of the write that left this block; `NOTHING` for zeroes, `GARBAGE` for what no write leaves. */
export function writeThatLeft(seed: number, key: string, block: number, content: Buffer): number {
  if (content.equals(ZERO_BLOCK)) return NOTHING;
  const number = Number(content.toString("latin1", 0, LINE_BYTES).split(" ")[3]);
  if (!Number.isSafeInteger(number) || number <= 0) return GARBAGE;
  return content.equals(blockContent(seed, key, number, block)) ? number : GARBAGE;
}

/**
 * The guest's writer, for its busybox: `writer.sh SEED PAUSE_US`. It reads its disks from `/run/truth/disks`
 * (`KEY PATH SLOTS STRIDE`, stride in blocks) and goes on at the number in `/data/truth/next`.
 *
 * Before each write its number is durable in `next`, so that after a crash the write that may be torn is made
 * again. `/run/truth/done` is the last number that is complete. `hold` makes it wait between two writes,
 * `stop` makes it end. `writer` is its process group.
 */
export const WRITER_SCRIPT = `#!/bin/sh
T=/run/truth
SEED=$1
PAUSE_US=$2
echo $$ >$T/writer
fail() { echo "$1" >$T/failed; exit 1; }
count=0
while read -r key path slots stride; do
  eval "key$count=$key path$count=$path slots$count=$slots stride$count=$stride"
  count=$((count + 1))
done <$T/disks
i=$(cat /data/truth/next)
i=$((i))
echo busy >$T/state
while [ ! -e $T/stop ]; do
  echo busy >$T/state
  # The first write may be torn: nobody may hold before it is whole.
  if [ -e $T/hold ] && [ -e $T/done ]; then
    echo idle >$T/state
    usleep 50000
    continue
  fi
  h=$(((i * 2654435761 + SEED) & 4294967295))
  h=$((((h ^ (h >> 15)) * 2246822519) & 4294967295))
  h=$((((h ^ (h >> 13)) * 3266489917) & 4294967295))
  h=$((h ^ (h >> 16)))
  d=$(((h & 255) % count))
  eval "key=\\$key$d path=\\$path$d slots=\\$slots$d stride=\\$stride$d"
  slot=$((((h >> 8) & 4095) % slots))
  first=$(((h >> 20) & 15))
  blocks=$((1 + ((h >> 24) & 15) % (16 - first)))
  at=$((slot * stride + first))
  line=$(((slot * 16 + first) * 64))
  printf '%15d\\n' $i | dd of=/data/truth/next conv=fsync,notrunc 2>/dev/null || fail "next $i"
  if [ $((h >> 28)) = 0 ]; then
    dd if=/dev/zero of=$path bs=4096 count=$blocks seek=$at conv=fsync,notrunc 2>/dev/null || fail "zero $i"
  else
    awk -v s="cairn-truth $SEED $key $i" -v a=$line -v n=$((blocks * 64)) \\
      'BEGIN { for (k = a; k < a + n; k++) printf "%-63s\\n", s " " k }' |
      dd of=$path bs=4096 seek=$at conv=fsync,notrunc 2>/dev/null || fail "write $i"
  fi
  echo $i >$T/done
  i=$((i + 1))
  echo idle >$T/state
  usleep $PAUSE_US
done
printf '%15d\\n' $i | dd of=/data/truth/next conv=fsync,notrunc 2>/dev/null || fail "next $i"
echo idle >$T/state
echo stopped >$T/stopped
`;

/**
 * The application's part in a freeze: it waits until the writer is between two writes, and leaves the last
 * number on the root disk, where the snapshot has it. `unknown` when the writer does not come to rest, and
 * from the thaw on: a number is there only while nobody writes.
 */
export const FREEZE_HOOK = `#!/bin/sh
T=/run/truth
[ -d $T ] || mkdir $T
case $1 in
freeze)
  : >$T/hold
  tries=0
  while [ -e $T/state ] && [ $tries -lt 40 ]; do
    [ "$(cat $T/state)" != idle ] || [ ! -e $T/done ] || break
    tries=$((tries + 1))
    usleep 20000
  done
  last=unknown
  [ ! -e $T/done ] || [ $tries -eq 40 ] || last=$(cat $T/done)
  printf '%15s\\n' $last | dd of=/data/truth/frozen conv=fsync,notrunc 2>/dev/null
  ;;
thaw)
  printf '%15s\\n' unknown | dd of=/data/truth/frozen conv=fsync,notrunc 2>/dev/null
  rm -f $T/hold
  ;;
esac
`;
