-- When a workload's next scheduled snapshot is due. What the tenant gave stays in workload.jobschedule; this is what it
-- means. Workloads without a schedule have no row.
create table schedule (
  workload_id  text primary key references workload on delete cascade,
  -- `BackupSchedule` of the domain.
  rule         jsonb not null,
  -- Null: no run will come.
  due_at       timestamptz,
  -- When somebody looks at it next: at that time, or a little later while the workload is busy.
  look_at      timestamptz,
  -- What became of the run that was due last, and why it was skipped if it was.
  last_due_at  timestamptz,
  last_result  text check (last_result in ('started', 'skipped')),
  last_reason  text,
  -- Until when retention has judged the workload's snapshots: those that ended later may let others go.
  retained_at  timestamptz,
  -- Not before: a deletion that failed is not asked for again at once.
  retain_at    timestamptz not null default now()
);
create index schedule_look on schedule (look_at) where look_at is not null;

-- Who asked for a snapshot: retention treats those of a schedule and those of people differently.
alter table snapshot add column is_scheduled boolean not null default false;

-- Switches of the whole installation. One that has no row is as it comes.
create table setting (
  name        text primary key,
  value       jsonb not null,
  changed_by  text not null,
  changed_at  timestamptz not null default now()
);
