-- Where the orders of one run wait for each other, so that the points of a workload's instances are one. The
-- state is the domain's (barrier.ts); it is changed under the row's lock, by the database's clock.
create table order_barrier (
  id          text primary key,
  run_id      text not null references run on delete cascade,
  state       jsonb not null,
  updated_at  timestamptz not null default now()
);
create index order_barrier_run on order_barrier (run_id);
