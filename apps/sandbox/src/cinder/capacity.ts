import type { Cloud } from "../cloud.ts";

/** How often the share may be promised. */
export const OVER_SUBSCRIPTION = 20;

/** What all volumes may grow to, those that are being made included. */
export function provisionedGiB(cloud: Cloud): number {
  return cloud.state.volumes.all().reduce((sum, volume) => sum + volume.size, 0);
}

/** Whether the share may hold what was promised of it. */
export function hasStorage(cloud: Cloud): boolean {
  return provisionedGiB(cloud) <= cloud.settings.storageGiB * OVER_SUBSCRIPTION;
}
