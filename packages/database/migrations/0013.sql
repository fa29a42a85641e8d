-- Several backup targets. The API writes what is wanted of one; an engine, which can reach it, proves it and
-- looks at it again and again.
alter table target
  -- wanted: nobody has proved it yet; ready: proven; refused: it cannot be a target, and `fault` says why.
  add column state text not null default 'ready' check (state in ('wanted', 'ready', 'refused')),
  -- What an engine is asked to prove, without secrets. Null: nothing.
  add column wish jsonb,
  -- Why the last wish was not fulfilled: {message, field, value, remedy}.
  add column fault jsonb,
  -- The engine's configuration names it.
  add column is_configured boolean not null default false,
  -- It is the default because somebody chose it: the configuration does not choose another one then.
  add column is_chosen boolean not null default false,
  -- Of a directory that is an NFS export: host:/path, and how operators mount it.
  add column filesystem_export text,
  add column nfs_mount_opts text,
  -- Barbican's references to what opens a bucket; the payload is sealed in sealed_secret.
  add column secret_ref text,
  add column mover_secret_ref text,
  add column metadata jsonb not null default '{}',
  add column updated_at timestamptz not null default now(),
  -- What an engine saw when it looked last. `online_at`: since when it is online, or away.
  add column is_online boolean not null default true,
  add column online_at timestamptz not null default now(),
  add column offline_reason text,
  add column seen_at timestamptz,
  -- Bytes; null where nobody can tell. Of a bucket `used_bytes` is what the database counts.
  add column capacity_bytes bigint,
  add column used_bytes bigint,
  -- Who looks next, and when. Each claim and each new wish counts `look_generation`: late ones change nothing.
  add column look_at timestamptz not null default now(),
  add column look_lease_until timestamptz,
  add column look_generation integer not null default 0;
create index target_look on target (look_at);
update target set is_configured = is_default;

-- What tenants choose by name: a target, and who may see it.
create table target_type (
  id           text primary key,
  name         text not null unique,
  description  text not null default '',
  target_id    text not null references target on delete cascade,
  is_public    boolean not null,
  metadata     jsonb not null default '{}',
  -- Who made it; null: the service itself.
  user_id      text,
  project_id   text,
  created_at   timestamptz not null default now(),
  updated_at   timestamptz not null default now()
);
create index target_type_of on target_type (target_id, created_at);

create table target_type_project (
  type_id     text not null references target_type on delete cascade,
  project_id  text not null,
  created_at  timestamptz not null default now(),
  primary key (type_id, project_id)
);

insert into target_type (id, name, description, target_id, is_public)
  select gen_random_uuid()::text,
         case when is_default then 'default' else 'former-' || left(id, 8) end,
         case when is_default then 'The target of the configuration' else '' end,
         id, is_default
  from target;

-- Where a workload's snapshots go, for ever. Null: the default when its first one is taken.
alter table workload
  add column target_id text references target,
  add column target_type_id text references target_type;
create index workload_on_target on workload (target_id);
update workload set target_id = coalesce(
  (select r.target_id from snapshot s join repository r on r.id = s.repository_id
     where s.workload_id = workload.id order by s.created_at desc limit 1),
  (select t.id from target t where t.is_default));
update workload set target_type_id =
  (select y.id from target_type y where y.target_id = workload.target_id order by y.created_at limit 1);

create index snapshot_in_repository on snapshot (repository_id);

-- Why nobody works on a run although it could begin: shown to who waits for it.
alter table run add column waiting_reason text;
