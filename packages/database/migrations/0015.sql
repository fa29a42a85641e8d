-- The engines that are there: each says so every few seconds. A program that stops removes its row, one that dies leaves it.
create table engine (
  name        text primary key,
  -- Where it runs: what people call the node.
  host        text not null,
  version     text not null,
  address     text not null default '',
  started_at  timestamptz not null default now(),
  seen_at     timestamptz not null default now()
);

-- What an operator has taken out of service, whether it runs or not.
create table disabled_service (
  host     text not null,
  service  text not null check (service in ('engine', 'datamover')),
  reason   text not null default '',
  by_user  text not null,
  at       timestamptz not null default now(),
  primary key (host, service)
);
