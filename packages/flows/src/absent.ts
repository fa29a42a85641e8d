import { hasCode } from "@cairn/kernel";

/** Waits for a removal; what is not there (any more) is removed. */
export async function removed(removal: Promise<void>): Promise<void> {
  try {
    await removal;
  } catch (cause) {
    if (!hasCode(cause, "openstack-not-found")) throw cause;
  }
}
