-- `search_jobs` reserves each call for its person: people can call it without the function that asks Adzuna, and then it
-- is their own share they use up. "spent" says whose limit it was; everything else is as before.
create or replace function public.search_jobs(
    p_query_key text, p_known_version uuid default null, p_awaited_lease_id uuid default null)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    -- How long a caller has to ask Adzuna and write the answer down.
    lease_time  constant interval := '15 seconds';
    -- After a failure, how long old results are given without asking again.
    rest        constant interval := '30 seconds';
    person_id   uuid := public.current_user_id();
    page        jsonb;
    lease       private.job_search_leases;
    reserved    record;
begin
    if person_id is null then
        perform private.refuse('profile_pending', 403, 'the profile of this account has not been made yet');
    end if;
    if p_query_key is null or p_query_key !~ '^[0-9a-f]{64}$' then
        perform private.refuse('invalid_input', 422, 'the key of a query is a SHA-256 in hexadecimal digits');
    end if;

    page := private.cached_job_search(p_query_key, p_known_version, person_id);
    if (page ->> 'is_fresh')::boolean then
        return jsonb_build_object('outcome', 'fresh', 'page', page);
    end if;

    select * into lease from private.job_search_leases where query_key = p_query_key;
    if lease.failure is not null then
        if page is not null and lease.expires_at > clock_timestamp() - rest then
            return jsonb_build_object('outcome', 'resting', 'page', page);
        end if;
        if page is null and lease.id = p_awaited_lease_id then
            return jsonb_build_object('outcome', 'failed', 'failure', lease.failure);
        end if;
    end if;

    insert into private.job_search_leases as held (query_key, id, expires_at)
    values (p_query_key, gen_random_uuid(), clock_timestamp() + lease_time)
    on conflict (query_key) do update set id = excluded.id, expires_at = excluded.expires_at, failure = null
        where held.expires_at <= clock_timestamp()
    returning * into lease;
    if not found then
        select * into lease from private.job_search_leases where query_key = p_query_key;
        return jsonb_build_object('outcome', 'awaited', 'lease_id', lease.id, 'page', page);
    end if;

    -- Between the first look and the lease another caller may have come back with the results.
    page := private.cached_job_search(p_query_key, p_known_version, person_id);
    if (page ->> 'is_fresh')::boolean then
        delete from private.job_search_leases where query_key = p_query_key;
        return jsonb_build_object('outcome', 'fresh', 'page', page);
    end if;

    select * into reserved from private.reserve_job_search_call(lease.id, person_id);
    if reserved.free_at is not null then
        delete from private.job_search_leases where query_key = p_query_key;
        return jsonb_build_object(
            'outcome', 'spent', 'page', page, 'is_own_limit', reserved.is_own_limit,
            'retry_after_seconds', greatest(1, ceil(extract(epoch from reserved.free_at - clock_timestamp()))));
    end if;
    return jsonb_build_object('outcome', 'leased', 'lease_id', lease.id, 'user_id', person_id, 'page', page);
end
$$;
drop function if exists private.reserve_job_search_call(uuid);
