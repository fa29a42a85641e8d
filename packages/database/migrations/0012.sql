-- What snapshots occupy is summed for whole lists of workloads: from the index alone, whatever the rows hold.
create index snapshot_usage on snapshot (workload_id, snapshot_type) include (stored_bytes)
  where status in ('available', 'restoring');
