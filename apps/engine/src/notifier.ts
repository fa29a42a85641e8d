import { readFile } from "node:fs/promises";
import { Notifier, type NotifyingWorld } from "@cairn/flows";
import { networkList } from "@cairn/notify";
import type { Cloud } from "@cairn/openstack";
import type { ConfigOf, Status } from "@cairn/service";
import type { engineSpec } from "./config.ts";

type Section = ConfigOf<typeof engineSpec>["notify"];

/** The section `notify` as the notifier has it; throws an Error that names what in it is wrong. */
export async function notifySettings(
  section: Section,
): Promise<Pick<NotifyingWorld, "reach" | "authorities">> {
  const networks = listOf(section.allowedNetworks);
  // Here and not when somebody's webhook fails: an operator's mistake ends the program that has it.
  networkList(networks);
  return {
    reach: { networks, hosts: listOf(section.allowedHosts) },
    authorities: section.caFile === "" ? undefined : await readFile(section.caFile, "utf8"),
  };
}

/** Whose mail goes where: as Keystone has it, for users who may still log in. */
export function mailAddresses(admin: Cloud): NotifyingWorld["mailAddressOf"] {
  return async (userId, signal) => {
    const user = await admin.keystone.users.find(userId, signal);
    return user?.enabled === true ? user.email : undefined;
  };
}

function listOf(text: string): string[] {
  const given = text.split(",").map((each) => each.trim());
  return given.filter((each) => each !== "" && each !== "none");
}

/** Sends mails and webhooks beside the runs; every engine does, and no delivery is two engines' at once. */
export function startNotifier(
  world: NotifyingWorld,
  status: Status,
  lookMs: number,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const notifier = new Notifier(world, {
    lookMs,
    onFault: (what, fault) => {
      status.failed(what, fault);
      world.log.warn(`${what}.fault`, { fault });
    },
  });
  status.queue("deliveries", () => notifier.count);
  const running = notifier.run(stopping.signal);
  return {
    stop: async () => {
      stopping.abort(new Error("the engine stops"));
      await running;
    },
  };
}
