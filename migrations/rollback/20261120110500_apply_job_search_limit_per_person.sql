-- Undoes 20261120110500_apply_job_search_limit_per_person.sql: calls are everybody's again.
-- Takes one call out of the allowance and answers null, or takes none and answers when there will be one. Callers queue
-- for the rows of the limits until the end of their transactions, so the count is exact however many come at once.
create or replace function private.reserve_job_search_call(p_call_id uuid)
    returns timestamptz
    language plpgsql
    set search_path = ''
as $$
declare
    moment  timestamptz;
    free_at timestamptz;
begin
    perform from private.job_search_limits order by period for update;
    moment := clock_timestamp(); -- after the wait, so that times grow in the order of the reservations

    -- A limit of n calls is spent while the n-th newest call lies within its period, and free when that one leaves it.
    select max(nth_newest.called_at + job_search_limits.period) into free_at
    from private.job_search_limits
    cross join lateral (
        select called_at from private.job_search_calls order by called_at desc offset calls - 1 limit 1) as nth_newest
    where nth_newest.called_at > moment - job_search_limits.period;

    if free_at is null then
        insert into private.job_search_calls (id, called_at) values (p_call_id, moment);
        delete from private.job_search_calls
        where called_at < moment - (select max(period) from private.job_search_limits);
    end if;
    return free_at;
end
$$;
revoke all on function private.reserve_job_search_call(uuid) from public, anon, authenticated, service_role;

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
    free_at     timestamptz;
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

    free_at := private.reserve_job_search_call(lease.id);
    if free_at is not null then
        delete from private.job_search_leases where query_key = p_query_key;
        return jsonb_build_object(
            'outcome', 'spent', 'page', page,
            'retry_after_seconds', greatest(1, ceil(extract(epoch from free_at - clock_timestamp()))));
    end if;
    return jsonb_build_object('outcome', 'leased', 'lease_id', lease.id, 'user_id', person_id, 'page', page);
end
$$;
