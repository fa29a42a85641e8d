-- Encrypted workloads: each has a repository of its own, whose data a secret of the tenant's opens and nothing else.

-- Id of the secret in Barbican; a workload that has one is encrypted, for ever.
alter table workload add column secret_id text;
-- `scrypt:<log2 of N>:<salt>:<hash>` of its payload, which tells the same secret under another id from another secret;
-- null in a workload that was imported.
alter table workload add column secret_proof text;

-- The encrypted workload that it is for; null: for all others of the project.
alter table repository add column workload_id text;
drop index repository_current;
create unique index repository_current on repository (project_id, target_id)
  where is_current and workload_id is null;
create unique index repository_current_of_workload on repository (workload_id, target_id)
  where is_current and workload_id is not null;

-- Data keys of an encrypted workload for as long as an order needs them, sealed with the key file. Unlogged: they are
-- in no log of the database, no replica and no base backup, and whatever ends an order removes them.
create unlogged table order_key (
  order_id  text primary key references datamover_order on delete cascade,
  sealed    text not null
);
create function order_key_ends() returns trigger language plpgsql as $$
begin
  delete from order_key where order_id = new.id;
  return null;
end $$;
create trigger order_key_ends after update of state on datamover_order
  for each row when (new.state in ('finished', 'cancelled')) execute function order_key_ends();
