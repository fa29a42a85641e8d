-- What os-brick says of a datamover's host, for Cinder to let the host reach a volume: names and addresses of its
-- initiators, no secrets. Null where the host has no os-brick.
alter table datamover add column connector jsonb;
