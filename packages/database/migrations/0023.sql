-- Mounted snapshots: an instance has copies of their disks as volumes, for as long as somebody looks into them.

alter table snapshot drop constraint snapshot_status_check;
alter table snapshot add constraint snapshot_status_check check (status in
  ('executing', 'available', 'restoring', 'mounting', 'mounted', 'cancelling', 'cancelled', 'deleting', 'error'));

-- Why the last mount or dismount came to nothing, and what the user should know of the one that did not.
alter table snapshot add column mount_error text;
alter table snapshot add column mount_warning text;

drop index snapshot_usage;
create index snapshot_usage on snapshot (workload_id, snapshot_type) include (stored_bytes)
  where status in ('available', 'restoring', 'mounting', 'mounted');

-- One for each snapshot that is mounting or mounted; an instance has one snapshot at most. Without a cascade: while it
-- is there, its volumes are in the project, and nothing that knows of them goes.
create table snapshot_mount (
  snapshot_id    text primary key references snapshot,
  instance_id    text not null unique,
  instance_name  text not null,
  -- The run that mounts it, then the one that dismounts it.
  run_id         text not null,
  -- `MountedCopy` and `MountedFileSystem` of the domain; empty until it is mounted.
  copies         jsonb not null default '[]',
  file_systems   jsonb not null default '[]',
  -- Where a person finds the file systems; empty where no guest has any of them.
  url            text not null default '',
  created_at     timestamptz not null default now(),
  mounted_at     timestamptz
);
