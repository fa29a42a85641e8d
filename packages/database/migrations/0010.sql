-- What projects and operators set by name. Public ones count for the whole cloud; a project's own comes first.
create table named_setting (
  id           text primary key,
  project_id   text not null,
  user_id      text not null,
  name         text not null,
  is_public    boolean not null default false,
  is_hidden    boolean not null default false,
  -- Either as it was given, or sealed where nobody may see it.
  value        text,
  sealed       text,
  category     text not null default '',
  type         text not null default '',
  description  text not null default '',
  metadata     jsonb not null default '{}',
  created_at   timestamptz not null default now(),
  updated_at   timestamptz not null default now(),
  check ((value is null) <> (sealed is null))
);
create unique index named_setting_own on named_setting (project_id, name) where not is_public;
create unique index named_setting_public on named_setting (name) where is_public;

create table webhook (
  id             text primary key,
  project_id     text not null,
  user_id        text not null,
  name           text not null,
  url            text not null,
  events         jsonb not null default '[]',
  -- An operator's: it hears of all projects, and its address is not judged.
  is_for_all     boolean not null default false,
  is_enabled     boolean not null default true,
  -- Why it was switched off, if not by hand.
  off_reason     text,
  sealed_secret  text not null,
  -- The secret before this one signs, too, until then.
  sealed_former  text,
  former_until   timestamptz,
  created_at     timestamptz not null default now(),
  updated_at     timestamptz not null default now()
);
create index webhook_page on webhook (project_id, created_at desc, id);

-- What happened, written in the transaction in which it did. Told to nobody yet while expanded_at is null.
create table notice (
  id           text primary key,
  project_id   text not null,
  kind         text not null,
  -- `Notice` of the domain.
  body         jsonb not null,
  created_at   timestamptz not null default now(),
  expanded_at  timestamptz
);
create index notice_new on notice (created_at) where expanded_at is null;

-- One notice on its way to one receiver.
create table delivery (
  id              text primary key,
  notice_id       text not null references notice on delete cascade,
  -- Whose it is to see: of an operator's webhook the operator's project.
  project_id      text not null,
  channel         text not null check (channel in ('email', 'webhook')),
  webhook_id      text references webhook on delete set null,
  -- Deliveries of one lane wait for each other: where they go to.
  lane            text not null,
  -- For people: addresses of mail, or a webhook's host.
  receiver        text not null default '',
  -- Of a trial: what it is made with, sealed, until it has ended.
  sealed_request  text,
  state           text not null default 'waiting' check (state in ('waiting', 'sent', 'failed', 'dropped')),
  attempt         integer not null default 0,
  next_at         timestamptz not null default now(),
  lease_until     timestamptz,
  message         text,
  created_at      timestamptz not null default now(),
  -- Since when it is tried: later than created_at where a person had it sent again.
  begun_at        timestamptz not null default now(),
  finished_at     timestamptz
);
create index delivery_next on delivery (next_at) where state = 'waiting';
create index delivery_page on delivery (project_id, created_at desc, id);
create index delivery_finished on delivery (finished_at) where finished_at is not null;
create index delivery_of_notice on delivery (notice_id);
create index delivery_of_webhook on delivery (webhook_id);
