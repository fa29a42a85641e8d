-- What keeping a repository sound needs: the newest state that we know of, and who does which work when.

-- A hint: the store is asked for newer ones by name, so nobody has to list it.
alter table repository add column state_epoch integer not null default 0;

-- One row for each kind of recurring work on a repository.
create table maintenance (
  repository_id  text not null references repository on delete cascade,
  kind           text not null check (kind in ('sweep', 'scrub', 'locks')),
  -- Not before this time.
  due_at         timestamptz not null default now(),
  -- Each claim increments the generation; a late holder's writes change nothing.
  generation     integer not null default 0,
  claimed_by     text,
  lease_until    timestamptz,
  -- Where the work goes on next time; what the last time found.
  cursor         jsonb,
  report         jsonb,
  error_message  text,
  started_at     timestamptz,
  finished_at    timestamptz,
  primary key (repository_id, kind)
);
create index maintenance_due on maintenance (due_at);

-- What a snapshot's damage is, as the last check found it; null while all of it can be read.
alter table snapshot add column degraded jsonb;
