import { asId } from "@cairn/kernel";
import type { Fields } from "../wire/decode.ts";
import type { Json, JsonObject } from "../wire/json.ts";
import { hasReached } from "../wire/microversion.ts";
import type {
  BlockDevice,
  Server,
  ServerAddress,
  ServerCreation,
  ServerFlavor,
  ServerNic,
} from "./servers.ts";

/** Train: `host` in the creation of an instance. */
const WITH_HOST = "2.74";

/** The body of `POST /servers` in this microversion. */
export function encodeCreation(server: ServerCreation, version: string): JsonObject {
  const { host, availabilityZone: zone } = server;
  // Before, an admin put the host after the zone (nova/compute/api.py, `parse_availability_zone`).
  const place =
    host === undefined || hasReached(version, WITH_HOST)
      ? { zone, host }
      : { zone: `${zone ?? ""}:${host}`, host: undefined };
  return {
    server: {
      name: server.name,
      flavorRef: server.flavorId,
      networks: typeof server.networks === "string" ? server.networks : server.networks.map(encodeNic),
      ...given("description", server.description),
      ...given("imageRef", server.imageId),
      ...given("block_device_mapping_v2", server.blockDevices?.map(encodeBlockDevice)),
      ...given("availability_zone", place.zone),
      ...given("host", place.host),
      ...given("key_name", server.keyName),
      ...given("metadata", server.metadata),
      ...given("tags", server.tags),
      ...given("config_drive", server.hasConfigDrive),
      ...given("user_data", server.userData),
      ...given(
        "security_groups",
        server.securityGroups?.map((name) => ({ name })),
      ),
    },
    ...given(
      "os:scheduler_hints",
      server.serverGroupId === undefined ? undefined : { group: server.serverGroupId },
    ),
  };
}

function given(name: string, value: Json | undefined): JsonObject {
  return value === undefined ? {} : { [name]: value };
}

function encodeNic(nic: ServerNic): JsonObject {
  if ("portId" in nic) return { port: nic.portId };
  return { uuid: nic.networkId, ...given("fixed_ip", nic.fixedIp) };
}

function encodeBlockDevice(device: BlockDevice): JsonObject {
  return {
    source_type: device.source,
    destination_type: device.destination,
    boot_index: device.bootIndex,
    delete_on_termination: device.deleteOnTermination,
    ...given("uuid", device.id),
    ...given("volume_size", device.sizeGiB),
    ...given("device_name", device.deviceName),
    ...given("disk_bus", device.diskBus),
    ...given("device_type", device.deviceType),
    ...given("volume_type", device.volumeType),
    ...given("guest_format", device.guestFormat),
    ...given("tag", device.tag),
  };
}

/** An instance as `GET /servers/{id}` and `/servers/detail` show it from microversion 2.60 on. */
export function readServer(fields: Fields): Server {
  const host = fields.optionalString("OS-EXT-SRV-ATTR:host");
  return {
    id: asId<"instance">(fields.string("id")),
    name: fields.text("name"),
    description: fields.optionalString("description"),
    ...readState(fields),
    projectId: asId<"project">(fields.string("tenant_id")),
    userId: asId<"user">(fields.string("user_id")),
    host: host === undefined ? undefined : asId<"host">(host),
    hypervisorName: fields.optionalString("OS-EXT-SRV-ATTR:instance_name"),
    availabilityZone: fields.optionalString("OS-EXT-AZ:availability_zone"),
    flavor: fields.object("flavor", readServerFlavor),
    imageId: readImageId(fields),
    keyName: fields.optionalString("key_name"),
    metadata: fields.texts("metadata"),
    tags: fields.strings("tags"),
    hasConfigDrive: fields.optionalString("config_drive") === "True",
    userData: fields.optionalString("OS-EXT-SRV-ATTR:user_data"),
    rootDevice: fields.optionalString("OS-EXT-SRV-ATTR:root_device_name"),
    addresses: readAddresses(fields),
    securityGroupNames: fields.list("security_groups", (group) => group.string("name")),
    volumes: fields.list("os-extended-volumes:volumes_attached", (volume) => ({
      id: asId<"volume">(volume.string("id")),
      deleteOnTermination: volume.optionalBoolean("delete_on_termination") ?? false,
    })),
    serverGroupIds: fields.strings("server_groups"),
    createdAt: fields.text("created"),
    updatedAt: fields.text("updated"),
    raw: fields.raw,
  };
}

function readState(
  fields: Fields,
): Pick<Server, "status" | "taskState" | "powerState" | "isLocked" | "fault"> {
  return {
    status: fields.string("status"),
    taskState: fields.optionalString("OS-EXT-STS:task_state"),
    powerState: fields.optionalInteger("OS-EXT-STS:power_state"),
    isLocked: fields.optionalBoolean("locked") ?? false,
    fault: fields.optionalObject("fault", (fault) => ({
      code: fault.optionalInteger("code") ?? 0,
      message: fault.text("message"),
    })),
  };
}

function readServerFlavor(fields: Fields): ServerFlavor {
  return {
    name: fields.string("original_name"),
    vcpus: fields.integer("vcpus"),
    ramMiB: fields.integer("ram"),
    diskGiB: fields.integer("disk"),
    ephemeralGiB: fields.integer("ephemeral"),
    swapMiB: fields.integer("swap"),
    extraSpecs: fields.texts("extra_specs"),
  };
}

/** Nova says an empty text for an instance without an image. */
function readImageId(fields: Fields): string | undefined {
  if (fields.raw["image"] === "") return undefined;
  return fields.optionalObject("image", (image) => image.string("id"));
}

function readAddresses(fields: Fields): readonly ServerAddress[] {
  return fields.object("addresses", (networks) =>
    Object.keys(networks.raw).flatMap((network) =>
      networks.list(network, (address) => ({ network, ...readAddress(address) })),
    ),
  );
}

function readAddress(fields: Fields): Omit<ServerAddress, "network"> {
  const kind = fields.optionalString("OS-EXT-IPS:type");
  return {
    address: fields.string("addr"),
    version: fields.integer("version") === 6 ? 6 : 4,
    kind: kind === "fixed" || kind === "floating" ? kind : undefined,
    macAddress: fields.optionalString("OS-EXT-IPS-MAC:mac_addr"),
  };
}
