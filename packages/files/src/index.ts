export type { Answer, VolumeFacts } from "./answers.ts";
export { type Appliance, type ApplianceOptions, buildAppliance } from "./appliance/appliance.ts";
export { type FileReader, type ReadableDisk, type ReadableSnapshot, readFiles } from "./reading.ts";
export { removeOrphanedFolders } from "./reading-folder.ts";
export { tarEnd, tarEntry, tarPadding } from "./tar.ts";
