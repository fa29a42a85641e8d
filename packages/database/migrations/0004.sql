-- A user who cannot make a trust (a federated one, whose roles come with each login) gives an application
-- credential instead. Its secret is sealed with a key that only programs with the service password have.
alter table trust
  alter column trust_id drop not null,
  add column credential_id text,
  add column credential_sealed text,
  add constraint trust_kind check (
    (trust_id is null) = (credential_id is not null)
    and (credential_id is null) = (credential_sealed is null)
  );
