-- Whether a snapshot that was asked for may begin. Its run has no job before it is admitted.
create table admission (
  run_id        text primary key references run on delete cascade,
  is_scheduled  boolean not null,
  asked_at      timestamptz not null default now(),
  -- The hosts of its instances, as they were looked up last; null: not yet.
  hosts         jsonb,
  hosts_at      timestamptz,
  -- Null: it waits, at this place of the queue, for this reason.
  admitted_at   timestamptz,
  place         integer,
  reason_code   text,
  reason        text
);
create index admission_waiting on admission (asked_at) where admitted_at is null;

-- Limits on how many snapshots run at once, and the hours in which they may begin: `AdmissionRule` of the domain.
create table admission_rule (
  id          text primary key,
  rule        jsonb not null,
  changed_by  text not null,
  created_at  timestamptz not null default now()
);
