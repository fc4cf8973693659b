-- Preferences go into applications as they are, so what is accepted here is what is read there: lists of texts, and
-- places with a name. Whatever has another shape is refused when it is written, by the name of its field, and not when
-- an application is to be sent.

-- What is wrong with a place, or null. `zip` and `radius_miles` and whatever else an app keeps there may stand beside.
create or replace function private.fault_of_location(p_location jsonb)
    returns text
    language sql
    immutable
    set search_path = ''
as $$
    select case
        when jsonb_typeof(p_location) <> 'object' then
            'must be an object with city, state or zip, or with remote_only'
        when exists (select from unnest(array['city', 'state', 'zip']) as name
                     where jsonb_typeof(p_location -> name) not in ('string', 'null')) then
            'has a city, state or zip that is no text'
        when jsonb_typeof(p_location -> 'remote_only') <> 'boolean' then
            'has a remote_only that is neither true nor false'
        when p_location -> 'remote_only' is distinct from 'true'
             and concat(p_location ->> 'city', p_location ->> 'state', p_location ->> 'zip') !~ '[^[:space:]]' then
            'names no city, state or zip, and is not remote_only'
    end
$$;
revoke all on function private.fault_of_location(jsonb) from public, anon, authenticated, service_role;

create or replace function private.check_preferences()
    returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    before constant jsonb := case tg_op when 'UPDATE' then to_jsonb(old) end;
    field  text;
    list   jsonb;
    fault  text;
begin
    -- All lists, so that none that is added later is forgotten. One that stays as it is is left alone: whoever changes
    -- something else cannot help it.
    for field, list in
        select key, value from jsonb_each(to_jsonb(new))
        where jsonb_typeof(value) = 'array' and value is distinct from before -> key
        order by key
    loop
        if field = 'target_locations' then
            select format('target_locations[%s] %s', place - 1, private.fault_of_location(location)) into fault
            from jsonb_array_elements(list) with ordinality as listed (location, place)
            where private.fault_of_location(location) is not null
            order by place limit 1;
        else
            select format('%s[%s] must be a text', field, place - 1) into fault
            from jsonb_array_elements(list) with ordinality as listed (entry, place)
            where jsonb_typeof(entry) <> 'string'
            order by place limit 1;
        end if;
        if fault is not null then
            perform private.refuse('invalid_input', 422, fault, field);
        end if;
    end loop;
    return new;
end
$$;
revoke all on function private.check_preferences() from public, anon, authenticated, service_role;
comment on function private.check_preferences() is
    'Refuses preferences of a shape that applications cannot use. '
    'Definer: it refuses through private.refuse, which service_role cannot call. '
    'Bounds: a trigger function, which nobody can call: it reads the row that is being written, whose size the checks '
    'of user_preferences limit.';

create or replace trigger on_user_preferences_written_check
    before insert or update on public.user_preferences
    for each row execute function private.check_preferences();
