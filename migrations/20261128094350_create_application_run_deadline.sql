-- How long a run may take. A run that says `running` for ever would never be heard of to its end.
create table if not exists private.application_run_limits (
    -- One row, which an operator changes.
    is_only  boolean primary key default true constraint application_run_limits_check_is_only check (is_only),
    deadline interval not null default '2 hours'
        constraint application_run_limits_check_deadline check (deadline > interval '0')
);
comment on table private.application_run_limits is 'How long a run may take until it is cancelled.';
insert into private.application_run_limits default values on conflict (is_only) do nothing;

alter table private.application_run_limits enable row level security;
revoke all on table private.application_run_limits from public, anon, authenticated, service_role;

create or replace function private.application_run_deadline()
    returns interval
    language sql
    stable
    set search_path = ''
as $$
    select deadline from private.application_run_limits
$$;
revoke all on function private.application_run_deadline() from public, anon, authenticated, service_role;
