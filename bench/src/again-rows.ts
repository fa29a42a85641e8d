import { formatBytes, GiB } from "@cairn/kernel";
import { warm } from "./disk-image.ts";
import { measure } from "./measure.ts";
import { atLeast, atMost, type Family } from "./rows.ts";

const PERCENT = 100;

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
    await quiet();
    const scan = await cairn.scan();
    tell(`hash-scan   cairn  ${scan.seconds.toFixed(1)} s, ${scan.cpuSeconds.toFixed(1)} CPU s`);
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
