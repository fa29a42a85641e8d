import { newId } from "@cairn/kernel";
import type { Cloud } from "../cloud.ts";
import { plainTime, zonelessTime } from "../state/moments.ts";
import type { Seed } from "./default.ts";

const PAPER_IMAGE = "paper";

/**
 * Plants instances that are shut off and have no disk anywhere: enough for programs that only ask about them,
 * in numbers that no machine could run. Spread over all hosts in turn.
 */
export function plantPaperInstances(cloud: Cloud, seed: Seed): void {
  const hosts = cloud.state.hosts.all();
  const flavor = cloud.state.flavors.where((each) => each.disk > 0).at(0);
  let number = 0;
  for (const { project, user, count } of seed.paperInstances ?? []) {
    const project_id = cloud.state.projects.where((each) => each.name === project).at(0)?.id;
    const user_id = cloud.state.users.where((each) => each.name === user).at(0)?.id;
    if (project_id === undefined || user_id === undefined || flavor === undefined) {
      throw new Error(
        `paper instances need the project ${project}, the user ${user}, and a flavor with a disk`,
      );
    }
    const image_id = plantImage(cloud, project_id);
    for (let index = 0; index < count; index += 1) {
      number += 1;
      const name = `paper-${String(number).padStart(5, "0")}`;
      const now = zonelessTime(cloud.clock.now());
      cloud.state.servers.put({
        id: newId(),
        number,
        name,
        hostname: name,
        description: null,
        project_id,
        user_id,
        flavor,
        old_flavor: null,
        image_id,
        key_name: null,
        user_data: null,
        config_drive: false,
        requested_zone: null,
        host: hosts[number % hosts.length]?.id ?? null,
        metadata: {},
        tags: [],
        server_group_id: null,
        reservation_id: "r-paper000",
        locked: false,
        vm_state: "stopped",
        task_state: null,
        power_state: 4,
        fault: null,
        disks: [
          {
            device: "vda",
            volume_id: null,
            attachment_id: null,
            boot_index: 0,
            delete_on_termination: true,
            tag: null,
          },
        ],
        own_port_ids: [],
        created: now,
        updated: now,
        launched_at: now,
      });
    }
  }
}

function plantImage(cloud: Cloud, owner: string): string {
  const now = plainTime(cloud.clock.now());
  return cloud.state.images.put({
    id: newId(),
    name: PAPER_IMAGE,
    status: "active",
    visibility: "private",
    owner,
    disk_format: "raw",
    container_format: "bare",
    min_disk: 0,
    min_ram: 0,
    size: 0,
    virtual_size: 0,
    checksum: null,
    os_hash_value: null,
    os_hidden: false,
    protected: false,
    tags: [],
    properties: {},
    created_at: now,
    updated_at: now,
  }).id;
}
