-- Buckets as targets. Secrets are sealed with the key file; the address has all the rest.

alter table target drop constraint target_kind_check;
alter table target add constraint target_kind_check check (kind in ('directory', 's3'));
alter table target add column address jsonb not null default '{}';
alter table target add column sealed_secret bytea;
-- The narrower identity that datamovers get, where there is one.
alter table target add column mover_key_id text;
alter table target add column sealed_mover_secret bytea;
-- What the target was found to do when it was registered.
alter table target add column report jsonb;
