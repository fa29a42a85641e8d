-- The snapshot that was taken of what an in-place restore overwrites, before it did. No reference: either may
-- be deleted and the other stays.
alter table restore add column safety_snapshot_id text;
