import { formatBytes, GiB } from "@cairn/kernel";
import { warm } from "./disk-image.ts";
import { type Measured, measure } from "./measure.ts";
import { atLeast, atMost, type Family } from "./rows.ts";

const PERCENT = 100;

function took({ seconds, cpuSeconds }: Measured): string {
  return `${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} CPU s`;
}

/**
 * What the repository holds already: the disk read again without a bitmap, and as that of another instance.
 */
export const againRows: Family = {
  name: "again",
  measure: async ({ meter, image, cairn, tell }) => {
    const quiet = async (): Promise<void> => {
      await warm(image.path);
      await measure(meter, { program: "sync", parameters: [] });
    };
    // The incremental before left patches in a sixth of the regions. Who reads them anyway stores them whole,
    // which is compression: that is no longer an unchanged disk, and is done before the clock runs.
    await quiet();
    const mending = await cairn.scan();
    tell(
      `hash-scan   cairn  ${took(mending)}, with ${formatBytes(mending.addedBytes)} of patches made whole`,
    );
    await quiet();
    const scan = await cairn.scan();
    tell(`hash-scan   cairn  ${took(scan)}, with nothing new`);
    await quiet();
    const before = await cairn.storedBytes();
    const second = await cairn.second();
    const after = await cairn.storedBytes();
    tell(`second      cairn  ${second.seconds.toFixed(1)} s, ${formatBytes(after - before)}`);
    const rate = scan.readBytes / GiB / scan.seconds;
    const share = ((after - before) / before) * PERCENT;
    return [
      atLeast(1.2, {
        work: "hash-scan",
        figure: "allocated data of an unchanged disk",
        is: rate,
        unit: "GiB/s",
      }),
      atMost(1, { work: "second", figure: "stored for the same image once more", is: share, unit: "%" }),
    ];
  },
};
