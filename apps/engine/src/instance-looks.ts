import type { Database } from "@cairn/database";
import type { AdmittingWorld, ProtectingWorld } from "@cairn/flows";
import { asId, newId } from "@cairn/kernel";
import type { Cloud, Server } from "@cairn/openstack";
import { type Keystone, tenantCloud } from "./clouds.ts";

/** What planners ask of Nova: an administrator where an instance is, its owner which there are. */
export function instanceLooks(
  admin: Cloud,
  database: Database,
  keystone: Keystone,
): Pick<AdmittingWorld, "hostOf"> & Pick<ProtectingWorld, "instancesOf"> {
  return {
    hostOf: async (id) => (await admin.nova.servers.find(asId(id)))?.host,
    instancesOf: async ({ userId, projectId }) => {
      const cloud = await tenantCloud(database, keystone, { id: newId(), userId, projectId });
      const servers = await cloud.nova.servers.list();
      const own = servers.filter((server) => server.projectId === projectId);
      const encrypted = await encryptedVolumes(cloud, own);
      return own.map((server) => ({
        ...server,
        volumeCount: server.volumes.length,
        hasEncryptedVolume: server.volumes.some(({ id }) => encrypted.has(id)),
      }));
    },
  };
}

async function encryptedVolumes(cloud: Cloud, servers: readonly Server[]): Promise<ReadonlySet<string>> {
  if (servers.every(({ volumes }) => volumes.length === 0)) return new Set();
  const volumes = await cloud.cinder.volumes.list();
  return new Set(volumes.filter(({ isEncrypted }) => isEncrypted).map(({ id }) => id));
}
