-- The audit log may be kept for a number of days. Its oldest entries go then, and one row says which was the last of
-- them: what the first entry that stays follows.
create table audit_anchor (
  is_only     boolean primary key default true check (is_only),
  position    bigint not null check (position > 0),
  hash        bytea not null,
  trimmed_at  timestamptz not null default date_trunc('milliseconds', now())
);

drop trigger audit_log_only_grows on audit_log;
create trigger audit_log_only_grows before update or truncate on audit_log
  for each statement execute function audit_log_only_grows();

-- Entries go from the beginning on, up to the one that the anchor names, or not at all.
create function audit_log_loses_its_oldest() returns trigger language plpgsql as $$
declare
  last_gone bigint := (select max(position) from gone);
begin
  if last_gone is null then
    return null;
  end if;
  if exists (select from audit_log where position <= last_gone)
    or not exists (select from gone join audit_anchor using (position, hash) where position = last_gone) then
    raise exception 'the audit log only grows: delete is refused, but of its oldest entries up to its anchor';
  end if;
  return null;
end $$;
create trigger audit_log_loses_its_oldest after delete on audit_log
  referencing old table as gone for each statement execute function audit_log_loses_its_oldest();
