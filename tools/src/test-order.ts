/**
 * Test files that take long, with the seconds that each took on two processors when the whole run was last
 * measured: they begin first, longest first, so that none is left over for one processor while the other has
 * nothing to do. Numbers need not be right, their order nearly so; of what is not here the kind says
 * how long it may take.
 */
export const LONG_FILES: Readonly<Record<string, number>> = {
  "test/src/crash.test.ts": 126,
  "simulate/src/simulate.test.ts": 117,
  "apps/datamover/src/datamover.peer.test.ts": 95,
  "apps/datamover/src/protect/hard-cases.peer.test.ts": 86,
  "test/src/weather.test.ts": 79,
  "test/src/guides.test.ts": 79,
  "test/src/console-restores.test.ts": 75,
  "test/src/odd-disks.test.ts": 63,
  "test/src/file-search.test.ts": 61,
  "apps/cli/src/main.peer.test.ts": 60,
  "test/src/demo-stopped.test.ts": 59,
  "apps/datamover/src/guard/guest-safety.peer.test.ts": 54,
  "test/src/glance-restore.test.ts": 51,
  "test/src/horizon.test.ts": 50,
  "test/src/demo.test.ts": 46,
  "apps/datamover/src/hypervisor/libvirt/libvirt.peer.test.ts": 45,
  "simulate/src/planted.test.ts": 45,
  "apps/datamover/src/guard/guard.peer.test.ts": 44,
  "apps/datamover/src/hypervisor/libvirt/freeze.peer.test.ts": 41,
  "test/src/recovery.test.ts": 39,
  "apps/engine/src/engine.peer.test.ts": 38,
  "apps/datamover/src/hypervisor/libvirt/hazards.peer.test.ts": 38,
  "test/src/full-disk.test.ts": 36,
  "test/src/outage.test.ts": 33,
  "test/src/console.test.ts": 40,
  "test/src/console-workloads.test.ts": 40,
  "test/src/console-operator.test.ts": 40,
  "test/src/secrets.test.ts": 31,
  "test/src/safety-snapshot.test.ts": 33,
  "test/src/clients.test.ts": 30,
  "packages/database/src/embedded-postgres.peer.test.ts": 29,
  "test/src/console-tenant.test.ts": 25,
  "test/src/whole-project.test.ts": 25,
  "packages/maintenance/src/sweep/beside.test.ts": 24,
  "test/src/targets.test.ts": 24,
  "packages/transfer/src/bucket.peer.test.ts": 23,
  "apps/api/src/fuzz.peer.test.ts": 23,
  "test/src/maintenance.test.ts": 22,
  "apps/datamover/src/write/os-brick.peer.test.ts": 21,
  "test/src/rebuild.test.ts": 20,
  "test/src/snapshot-mount.test.ts": 20,
  "test/src/os-brick.test.ts": 18,
  "packages/store/src/s3.peer.test.ts": 18,
  "packages/transfer/src/crash.test.ts": 16,
  "test/src/schedules.test.ts": 16,
  "packages/maintenance/src/verify.test.ts": 16,
  "apps/datamover/src/write/write-disk.peer.test.ts": 16,
  "test/src/membership.test.ts": 15,
  "apps/datamover/src/protect/cancel-anywhere.peer.test.ts": 15,
  "tools/src/check-tools.test.ts": 15,
  "test/src/plan-and-admission.test.ts": 15,
  "apps/api/src/authorisation.peer.test.ts": 14,
  "test/src/operating.test.ts": 13,
  "test/src/notifications.test.ts": 13,
  "packages/domain/src/schedule-years.test.ts": 13,
  "packages/transfer/src/memory.peer.test.ts": 13,
  "test/src/repo-command.test.ts": 12,
  "packages/libvirt/src/client.peer.test.ts": 12,
  "test/src/bad-input.test.ts": 12,
  "test/src/policies-quotas.test.ts": 11,
  "simulate/src/power/full-disk.test.ts": 11,
  "packages/transfer/src/segment-index.test.ts": 11,
  "apps/datamover/src/protect/unreadable-base.peer.test.ts": 10,
};

/** Files that hold a clock to what they test: they get the machine for themselves, after all others. */
export const ALONE: readonly string[] = ["test/src/barrier.test.ts"];

/** The seconds that a file takes, as known or guessed. */
export function secondsOf(path: string): number {
  return LONG_FILES[path] ?? (path.startsWith("test/") ? 15 : path.endsWith(".peer.test.ts") ? 5 : 1);
}
