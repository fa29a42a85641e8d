-- What an administrator resets ends as an error, not as cancelled: nobody of the project asked for it.
alter table run add column is_reset boolean not null default false;
