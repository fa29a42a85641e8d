-- A second copy: what is stored on a target is copied to its mirror, which keeps what was deleted for some
-- days more.
alter table target add column mirror_id text references target check (mirror_id <> id);
alter table target add column mirror_keep_days integer not null default 30
  check (mirror_keep_days between 0 and 3650);
create index target_mirror on target (mirror_id) where mirror_id is not null;

alter table maintenance drop constraint maintenance_kind_check;
alter table maintenance add constraint maintenance_kind_check
  check (kind in ('sweep', 'scrub', 'locks', 'mirror'));
