import { join } from "node:path";
import { HOST, LOOPBACK, PORTS, type Settings } from "../settings.ts";
import { type ConfigFile, READABLE } from "./file.ts";
import { type Ini, renderIni } from "./ini.ts";

/** Sparse: an empty store takes 290 MiB. */
const STORE_BYTES = 20 * 1024 ** 3;
const CACHE_BYTES = 64 * 1024 ** 2;
const OSD_MEMORY_BYTES = 896 * 1024 ** 2;

/** Features of new RBD images: layering, exclusive lock, object map, fast diff, deep flatten. */
const RBD_FEATURES = 61;

/** One monitor, manager, object store and S3 gateway, with one copy of everything. */
export function cephFiles(settings: Settings): ConfigFile[] {
  const { conf } = settings.layout;
  return [{ path: join(conf, "ceph.conf"), text: renderIni(ceph(settings)), mode: READABLE }];
}

function ceph(settings: Settings): Ini {
  const data = join(settings.layout.data, "ceph");
  return {
    global: global(settings),
    mon: {
      mon_data: `${data}/mon-$id`,
      keyring: `${data}/mon-$id/keyring`,
      mon_data_avail_crit: 1,
      mon_data_avail_warn: 2,
      mon_cluster_log_to_file: false,
    },
    "mon.a": { mon_addr: `${LOOPBACK}:${PORTS.cephMonitor}`, host: HOST },
    mgr: { mgr_data: `${data}/mgr-$id`, keyring: `${data}/mgr-$id/keyring`, mgr_initial_modules: "" },
    osd: {
      osd_data: `${data}/osd-$id`,
      keyring: `${data}/osd-$id/keyring`,
      osd_objectstore: "bluestore",
      bluestore_block_create: true,
      bluestore_block_size: STORE_BYTES,
      bluestore_cache_autotune: false,
      bluestore_cache_size: CACHE_BYTES,
      osd_memory_target: OSD_MEMORY_BYTES,
      osd_op_num_shards: 1,
      osd_op_num_threads_per_shard: 2,
      bluestore_fsck_quick_fix_on_mount: false,
      osd_class_update_on_start: true,
    },
    client: { keyring: `${data}/$cluster.$name.keyring`, rbd_cache: true },
    "client.rgw.a": {
      rgw_frontends: `beast endpoint=${LOOPBACK}:${PORTS.s3}`,
      rgw_data: `${data}/rgw-a`,
      keyring: `${data}/rgw-a/keyring`,
      rgw_thread_pool_size: 32,
      rgw_enable_usage_log: false,
      rgw_s3_auth_use_keystone: false,
      rgw_dns_name: "localhost",
    },
  };
}

/** Version 1 of the messenger only: `mon_host` with both cannot be bound to one port. */
function global({ layout, cephId }: Settings): Ini[string] {
  return {
    fsid: cephId,
    mon_host: `v1:${LOOPBACK}:${PORTS.cephMonitor}`,
    mon_initial_members: "a",
    public_addr: LOOPBACK,
    auth_cluster_required: "cephx",
    auth_service_required: "cephx",
    auth_client_required: "cephx",
    auth_allow_insecure_global_id_reclaim: false,
    ms_bind_msgr2: false,
    osd_pool_default_size: 1,
    osd_pool_default_min_size: 1,
    osd_pool_default_pg_num: 4,
    osd_pool_default_pgp_num: 4,
    osd_pool_default_pg_autoscale_mode: "off",
    osd_crush_chooseleaf_type: 0,
    mon_max_pg_per_osd: 1000,
    mon_allow_pool_size_one: true,
    mon_allow_pool_delete: true,
    mon_warn_on_pool_no_redundancy: false,
    rbd_default_features: RBD_FEATURES,
    run_dir: join(layout.run, "ceph"),
    log_file: join(layout.log, "$cluster-$name.log"),
    admin_socket: join(layout.run, "ceph/$cluster-$name.$pid.asok"),
    crash_dir: join(layout.data, "ceph/crash"),
    keyring: join(layout.data, "ceph/$cluster.$name.keyring"),
  };
}
