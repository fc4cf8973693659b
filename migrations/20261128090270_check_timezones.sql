-- A person's time zone decides when they are told something, so it must be one that the database knows. Looking through
-- all of them takes some hundredths of a second, so it is done for a name that is new, not for each change of a row.
create or replace function private.check_timezone()
    returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    if not exists (select from pg_catalog.pg_timezone_names where name = new.timezone) then
        perform private.refuse('invalid_input', 422,
            'timezone must be a name of the IANA time zone database, such as Europe/London', 'timezone');
    end if;
    return new;
end
$$;
revoke all on function private.check_timezone() from public, anon, authenticated, service_role;
comment on function private.check_timezone() is
    'Refuses a time zone that the database does not know. '
    'Definer: it refuses through private.refuse, which service_role cannot call. '
    'Bounds: a trigger function, which nobody can call: it reads one name.';

create or replace trigger on_users_inserted_check_timezone
    before insert on public.users
    for each row when (new.timezone <> 'UTC')
    execute function private.check_timezone();
create or replace trigger on_users_updated_check_timezone
    before update of timezone on public.users
    for each row when (new.timezone <> old.timezone)
    execute function private.check_timezone();
