-- Ids are text: UUIDs of ours, and whatever OpenStack gives. Times are the database server's.
-- Sizes are bytes.

create table target (
  id          text primary key,
  name        text not null unique,
  kind        text not null check (kind in ('directory')),
  path        text not null,
  is_default  boolean not null default false,
  created_at  timestamptz not null default now()
);
create unique index target_one_default on target (is_default) where is_default;

create table repository (
  id            text primary key,
  project_id    text not null,
  target_id     text not null references target,
  wrapped_keys  bytea not null,
  created_at    timestamptz not null default now(),
  unique (project_id, target_id)
);

-- Index segments in the order in which they were committed: what deduplication consults.
create table repository_segment (
  repository_id  text not null references repository,
  position       bigint generated always as identity,
  name           text not null,
  snapshot_id    text not null,
  added_at       timestamptz not null default now(),
  primary key (repository_id, name)
);
create index repository_segment_order on repository_segment (repository_id, position);

create table trust (
  user_id     text not null,
  project_id  text not null,
  trust_id    text not null,
  roles       jsonb not null default '[]',
  created_at  timestamptz not null default now(),
  primary key (user_id, project_id)
);

create table workload (
  id               text primary key,
  project_id       text not null,
  user_id          text not null,
  name             text not null,
  description      text not null default '',
  workload_type_id text,
  status           text not null check (status in ('available', 'locked', 'resetting', 'deleting', 'error')),
  error_message    text,
  -- The run that holds the workload; kept after it ended, for the record.
  run_id           text,
  -- The next snapshot reads every disk whole (after a reset).
  next_full        boolean not null default false,
  jobschedule      jsonb not null default '{}',
  metadata         jsonb not null default '{}',
  created_at       timestamptz not null default now(),
  updated_at       timestamptz not null default now()
);
create index workload_page on workload (project_id, created_at desc, id);

create table workload_instance (
  instance_id  text primary key,
  workload_id  text not null references workload on delete cascade,
  name         text not null,
  metadata     jsonb not null default '{}',
  added_at     timestamptz not null default now()
);
create index workload_instance_of on workload_instance (workload_id);

create table snapshot (
  id               text primary key,
  workload_id      text not null references workload on delete cascade,
  project_id       text not null,
  user_id          text not null,
  name             text not null,
  description      text not null default '',
  snapshot_type    text not null check (snapshot_type in ('full', 'incremental')),
  status           text not null check (status in
                     ('executing', 'available', 'restoring', 'cancelling', 'cancelled', 'deleting', 'error')),
  run_id           text not null,
  repository_id    text references repository,
  size_bytes       bigint not null default 0,
  read_bytes       bigint not null default 0,
  stored_bytes     bigint not null default 0,
  error_message    text,
  warning_message  text,
  -- What the API shows of the captured instances, and how each disk was read.
  instances        jsonb not null default '[]',
  disks            jsonb not null default '[]',
  metadata         jsonb not null default '{}',
  point_at         timestamptz,
  created_at       timestamptz not null default now(),
  updated_at       timestamptz not null default now(),
  finished_at      timestamptz
);
create index snapshot_page on snapshot (project_id, created_at desc, id);
create index snapshot_of on snapshot (workload_id, created_at desc);

-- No reference to the snapshot: the record of a restore outlives it.
create table restore (
  id               text primary key,
  snapshot_id      text not null,
  workload_id      text not null,
  project_id       text not null,
  user_id          text not null,
  name             text not null,
  description      text not null default '',
  restore_type     text not null check (restore_type in ('oneclick', 'selective', 'inplace')),
  options          jsonb not null,
  status           text not null check (status in ('executing', 'available', 'cancelling', 'cancelled', 'error')),
  run_id           text not null,
  size_bytes       bigint not null default 0,
  written_bytes    bigint not null default 0,
  error_message    text,
  warning_message  text,
  instances        jsonb not null default '[]',
  metadata         jsonb not null default '{}',
  created_at       timestamptz not null default now(),
  updated_at       timestamptz not null default now(),
  finished_at      timestamptz
);
create index restore_page on restore (project_id, created_at desc, id);
create index restore_of on restore (snapshot_id);

create table run (
  id            text primary key,
  project_id    text not null,
  user_id       text not null,
  flow          text not null,
  flow_version  integer not null default 1,
  workload_id   text not null,
  snapshot_id   text,
  restore_id    text,
  request       jsonb not null,
  state         text not null default 'planning'
                  check (state in ('planning', 'forward', 'undoing', 'concluded')),
  plan          jsonb,
  -- Why it turned back, once it has: {"kind":"failed","message":…} or {"kind":"cancelled"}.
  because       jsonb,
  result        jsonb,
  leftovers     jsonb not null default '[]',
  cancel_requested_at timestamptz,
  -- Each claim increments the generation; every write of the claimant names it.
  generation    integer not null default 0,
  claimed_by    text,
  lease_until   timestamptz,
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now(),
  concluded_at  timestamptz
);
create index run_unfinished on run (lease_until) where state <> 'concluded';
create index run_of_workload on run (workload_id, created_at desc);

create table step (
  run_id       text not null references run on delete cascade,
  key          text not null,
  stage        integer not null,
  position     integer not null,
  kind         text not null,
  state        text not null check (state in ('started', 'done', 'undone', 'kept')),
  -- Attempts at performing and at undoing; a redelivery after a crash goes on with the same attempt.
  attempt      integer not null default 1,
  undo_attempt integer not null default 0,
  output       jsonb,
  message      text,
  started_at   timestamptz not null default now(),
  updated_at   timestamptz not null default now(),
  primary key (run_id, key)
);

create table datamover (
  host           text primary key,
  token_sha256   bytea not null unique,
  version        text,
  capabilities   jsonb not null default '[]',
  registered_at  timestamptz not null default now(),
  seen_at        timestamptz
);

create table datamover_order (
  id             text primary key,
  run_id         text not null references run on delete cascade,
  step_key       text not null,
  -- Which call it is: 'perform/<attempt>/<n>' or 'undo/<attempt>/<n>'. A redelivered step finds its order by it.
  call           text not null,
  host           text not null,
  repository_id  text references repository,
  body           jsonb not null,
  -- queued → claimed → finished; a cancelled order that nobody holds is 'cancelled' at once, one that a
  -- datamover holds is 'cancelling' until it lets go or its lease is over.
  state          text not null default 'queued'
                   check (state in ('queued', 'claimed', 'cancelling', 'cancelled', 'finished')),
  generation     integer not null default 0,
  lease_until    timestamptz,
  progress       jsonb,
  outcome        jsonb,
  created_at     timestamptz not null default now(),
  updated_at     timestamptz not null default now(),
  finished_at    timestamptz,
  unique (run_id, step_key, call)
);
create index datamover_order_open on datamover_order (host, created_at)
  where state in ('queued', 'claimed', 'cancelling');

-- The newest proven base of a disk: which snapshot's bitmap is recording, and that snapshot's root.
create table disk_base (
  workload_id  text not null references workload on delete cascade,
  disk_id      text not null,
  instance_id  text not null,
  snapshot_id  text not null,
  -- Address of the disk's root page in the repository, for deduplication with or without a bitmap.
  root         text not null,
  -- What the datamover must find again to trust the bitmap; null when none is recording.
  base         jsonb,
  updated_at   timestamptz not null default now(),
  primary key (workload_id, disk_id)
);
create index disk_base_instance on disk_base (instance_id);
