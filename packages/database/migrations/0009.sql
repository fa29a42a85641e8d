-- Who did what. Each entry comes into the inbox; a moment later an engine takes it from there into the log, which only
-- grows, and in which each entry holds the hash of the one before. So nobody who writes an entry waits for the chain.
create table audit_inbox (
  id            text primary key,
  at            timestamptz not null default date_trunc('milliseconds', now()),
  origin        text not null check (origin in ('api', 'engine')),
  user_id       text,
  user_name     text not null,
  project_id    text,
  project_name  text not null default '',
  action        text not null,
  object_kind   text not null default '',
  object_id     text not null default '',
  object_name   text not null default '',
  request_id    text not null default '',
  -- Null while the request goes on: nothing is changed before its entry is here. An API that dies leaves it so.
  outcome       text check (outcome in ('accepted', 'refused', 'failed', 'unknown')),
  status        integer,
  detail        text not null default ''
);
create index audit_inbox_order on audit_inbox (at, id);

create table audit_log (
  position       bigint primary key,
  id             text not null unique,
  at             timestamptz not null,
  origin         text not null,
  user_id        text,
  user_name      text not null,
  project_id     text,
  project_name   text not null,
  action         text not null,
  object_kind    text not null,
  object_id      text not null,
  object_name    text not null,
  request_id     text not null,
  outcome        text not null,
  status         integer,
  detail         text not null,
  -- Two entries cannot follow the same one: the chain does not fork.
  previous_hash  bytea not null unique,
  hash           bytea not null unique
);
create index audit_log_page on audit_log (at desc, id desc);
create index audit_log_project on audit_log (project_id, at desc);
create index audit_log_object on audit_log (object_id, at desc) where object_id <> '';

create function audit_log_only_grows() returns trigger language plpgsql as $$
begin
  raise exception 'the audit log only grows: % is refused', lower(tg_op);
end $$;
create trigger audit_log_only_grows before update or delete or truncate on audit_log
  for each statement execute function audit_log_only_grows();
