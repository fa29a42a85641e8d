-- Schedules and retention that operators publish. What a policy decides is copied into the workloads that follow it;
-- while some do, it stays as it is.
create table workload_policy (
  id            text primary key,
  name          text not null,
  description   text not null default '',
  -- The parts of a jobschedule that the policy decides.
  field_values  jsonb not null,
  metadata      jsonb not null default '{}',
  user_id       text not null,
  project_id    text not null,
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now()
);
create index workload_policy_page on workload_policy (created_at desc, id);

-- A project that has some chooses among them.
create table workload_policy_assignment (
  policy_id    text not null references workload_policy on delete cascade,
  project_id   text not null,
  assigned_at  timestamptz not null default now(),
  primary key (policy_id, project_id)
);
create index workload_policy_assignment_of on workload_policy_assignment (project_id);

alter table workload add column policy_id text references workload_policy;
create index workload_of_policy on workload (policy_id) where policy_id is not null;

-- Limits of projects. Admissions lock the rows that concern them, and count afterwards: two at once do not both slip
-- through. A project without a row for a type has no limit of that type.
create table quota (
  id              text primary key,
  project_id      text not null,
  quota_type      text not null
                    check (quota_type in ('workloads', 'instances', 'volumes', 'snapshots', 'storage')),
  allowed_value   bigint not null check (allowed_value >= 0),
  high_watermark  bigint not null check (high_watermark >= 0),
  -- Whether more than the watermark is used, since when, and how much it was then.
  is_above        boolean not null default false,
  crossed_at      timestamptz,
  crossed_used    bigint,
  -- What people were told last; they are told again when it differs.
  told_above      boolean not null default false,
  created_at      timestamptz not null default now(),
  updated_at      timestamptz not null default now(),
  unique (project_id, quota_type)
);
create index quota_untold on quota (crossed_at) where is_above <> told_above;

-- Volumes that were attached to the instance when it was seen last.
alter table workload_instance add column volume_count integer not null default 0;
