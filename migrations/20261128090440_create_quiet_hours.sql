-- When a person may be disturbed: not in their quiet hours, by the clock of their time zone. What is said in the app is
-- there at once; whatever makes a phone ring without being about something that the person has just done waits.

-- The moment, or the end of the quiet hours that it falls into. Computed by the local clock, so that eight o'clock stays
-- eight o'clock when the clocks change; equal hours mean that no hour is quiet.
create or replace function private.after_quiet_hours(
    p_moment timestamptz, p_timezone text, p_quiet_start smallint, p_quiet_end smallint)
    returns timestamptz
    language sql
    immutable
    set search_path = ''
as $$
    select case
        when case when p_quiet_start <= p_quiet_end then hour >= p_quiet_start and hour < p_quiet_end
                  else hour >= p_quiet_start or hour < p_quiet_end end
        then (midnight + make_interval(days => (hour >= p_quiet_end)::integer, hours => p_quiet_end))
                 at time zone p_timezone
        else p_moment end
    from (select date_trunc('day', p_moment at time zone p_timezone) as midnight,
                 extract(hour from p_moment at time zone p_timezone) as hour) as clock
$$;
revoke all on function private.after_quiet_hours(timestamptz, text, smallint, smallint)
    from public, anon, authenticated, service_role;

-- A person's time zone and quiet hours. Without preferences the defaults of the columns apply. A time zone that was
-- known when it was written, but which a newer database has dropped, is UTC.
create or replace function private.clock_of_person(
    p_user_id uuid, out timezone text, out quiet_start smallint, out quiet_end smallint)
    language plpgsql
    stable
    set search_path = ''
as $$
begin
    select person.timezone, coalesce(preference.quiet_hours_start, 21), coalesce(preference.quiet_hours_end, 8)
    into timezone, quiet_start, quiet_end
    from public.users as person
    left join public.user_preferences as preference on preference.user_id = person.id
    where person.id = p_user_id;
    begin
        perform now() at time zone timezone;
    exception
        when invalid_parameter_value then
            timezone := 'UTC';
    end;
end
$$;
revoke all on function private.clock_of_person(uuid) from public, anon, authenticated, service_role;

-- From when on a person may be disturbed: now, or at the end of their quiet hours.
create or replace function private.may_disturb_from(p_user_id uuid)
    returns timestamptz
    language sql
    volatile
    set search_path = ''
as $$
    select private.after_quiet_hours(clock_timestamp(), clock.timezone, clock.quiet_start, clock.quiet_end)
    from private.clock_of_person(p_user_id) as clock
$$;
revoke all on function private.may_disturb_from(uuid) from public, anon, authenticated, service_role;
