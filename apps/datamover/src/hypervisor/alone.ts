import type { Barrier } from "./port.ts";

const nothing = async (): Promise<void> => Promise.resolve();

/** For an instance whose point is its own: nothing waits. */
export const alone: Barrier = { gather: nothing, hold: nothing, taken: () => undefined, thawed: nothing };
