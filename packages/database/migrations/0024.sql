-- Retention is told what to judge, where it looked at the snapshots of every workload each time to find out: among
-- 10,000 workloads that took half a second. A workload that becomes free again may have a snapshot more or less, or
-- one that is no longer mounted. Its row is locked first, as by everybody who changes its schedule.
alter table schedule alter column retain_at drop not null;
create index schedule_retain on schedule (retain_at) where retain_at is not null;

create function workload_is_judged_again() returns trigger language plpgsql as $$
begin
  update schedule set retain_at = now() where workload_id = new.id and retain_at is null;
  return null;
end
$$;
create trigger workload_is_judged_again after update of status on workload
  for each row when (new.status = 'available' and old.status <> 'available')
  execute function workload_is_judged_again();

-- Null: nothing has happened since retention judged the workload's snapshots.
alter table schedule drop column retained_at;
