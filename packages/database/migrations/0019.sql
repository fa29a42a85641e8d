-- What projects want read of the file systems in their snapshots: searches, listings, single files. Only engines reach
-- repositories. Whoever claims one works on it until the lease is over; every later write names the claim's generation.
-- A search's id is a number: that is what clients of searches expect.
create table file_job (
  id            integer primary key generated always as identity,
  kind          text not null check (kind in ('search', 'list', 'get')),
  project_id    text not null,
  asked_by      text not null,
  instance_id   text not null,
  -- Oldest first.
  snapshot_ids  jsonb not null,
  request       jsonb not null,
  state         text not null default 'executing' check (state in ('executing', 'completed', 'error')),
  result        jsonb,
  error_message text,
  generation    integer not null default 0,
  claimed_by    text,
  lease_until   timestamptz,
  created_at    timestamptz not null default now(),
  updated_at    timestamptz
);
create index file_job_open on file_job (id) where state = 'executing';
create index file_job_page on file_job (project_id, id);

-- The bytes of a file on their way from an engine to an API: a few parts at any time. They are worth nothing after a
-- crash of the database, so they are not in its journal.
create unlogged table file_part (
  job_id integer not null,
  number integer not null,
  bytes  bytea not null,
  primary key (job_id, number)
);
