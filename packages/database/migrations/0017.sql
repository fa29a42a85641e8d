-- A project may have several repositories on a target: after its database was lost it began another one, and then the
-- first was imported again. One of them is written to. A foreign one holds workloads of another cloud, which keeps it.
alter table repository drop constraint repository_project_id_target_id_key;
alter table repository
  add column is_current boolean not null default true,
  add column is_foreign boolean not null default false,
  add constraint repository_not_both check (not (is_current and is_foreign));
create unique index repository_current on repository (project_id, target_id) where is_current;

-- What the last look at a target found there: workloads that this database does not know, and those that it knows but
-- whose owner is gone. Nothing depends on it; the next look writes it again.
create table target_workload (
  target_id    text not null references target on delete cascade,
  workload_id  text not null,
  name         text not null,
  project_id   text not null,
  user_id      text not null,
  cloud_id     text,
  standing     text not null check (standing in ('ours', 'project-gone', 'user-gone', 'other-cloud')),
  -- It had a row when it was looked at.
  is_known     boolean not null,
  -- `[{repositoryId, snapshots: {<id>: <ms since 1970>}}]`: what need not be read again.
  places       jsonb not null,
  -- What else its newest snapshot says: members, schedule, what a restore needs.
  facts        jsonb not null,
  newest_at    timestamptz not null,
  primary key (target_id, workload_id)
);
create index target_workload_page on target_workload (workload_id);

-- What engines do on targets for administrators. Whoever claims one works on it until the lease is over; every later
-- write names the claim's generation.
create table ownership_job (
  id           text primary key,
  kind         text not null check (kind in ('look', 'import', 'reassign')),
  request      jsonb not null,
  asked_by     text not null,
  state        text not null default 'queued' check (state in ('queued', 'working', 'done', 'failed')),
  progress     jsonb not null default '{}',
  result       jsonb,
  error_message text,
  generation   integer not null default 0,
  claimed_by   text,
  lease_until  timestamptz,
  created_at   timestamptz not null default now(),
  started_at   timestamptz,
  finished_at  timestamptz,
  -- When its end was told to who asked: asking the same once more begins anew after that.
  told_at      timestamptz
);
create index ownership_job_open on ownership_job (created_at) where state in ('queued', 'working');
