-- Protection by tag: which instances of a project join a workload by themselves, and leave it again.
create table protection_rule (
  id           text primary key,
  project_id   text not null,
  -- In whose name instances are looked at and the workload is changed.
  user_id      text not null,
  workload_id  text not null references workload on delete cascade,
  -- `ProtectionMark` of the domain.
  mark         jsonb not null,
  created_at   timestamptz not null default now(),
  look_at      timestamptz not null default now(),
  looked_at    timestamptz,
  -- What it could not do when it looked last; null: nothing.
  note         text
);
create index protection_rule_look on protection_rule (look_at);
create index protection_rule_project on protection_rule (project_id, created_at);

-- The rule that added a member; null: a person did. Who was added by hand stays.
alter table workload_instance add column rule_id text references protection_rule on delete set null;
