-- Undoes 20261120160100_create_search_jobs_for_alert.sql: only people search.
drop function if exists public.search_jobs_for_alert(text, uuid, uuid, uuid, timestamptz);

-- Takes one call out of the allowance and answers null in `free_at`, or takes none and answers when there will be one, and
-- whether the person has used up their own share. Callers queue for the rows of the limits until the end of their
-- transactions, so both counts are exact however many come at once.
create or replace function private.reserve_job_search_call(
    p_call_id uuid, p_user_id uuid, out free_at timestamptz, out is_own_limit boolean)
    language plpgsql
    set search_path = ''
as $$
declare
    moment      timestamptz;
    own_free_at timestamptz;
begin
    perform from private.job_search_limits order by period for update;
    moment := clock_timestamp(); -- after the wait, so that times grow in the order of the reservations

    -- A limit of n calls is spent while the n-th newest call lies within its period, and free when that one leaves it.
    select max(of_all.called_at + limits.period), max(own.called_at + limits.period) into free_at, own_free_at
    from private.job_search_limits as limits
    left join lateral (
        select called_at from private.job_search_calls
        order by called_at desc offset limits.calls - 1 limit 1) as of_all
        on of_all.called_at > moment - limits.period
    left join lateral (
        select called_at from private.job_search_calls
        where user_id = p_user_id and limits.calls_per_person is not null
        order by called_at desc offset limits.calls_per_person - 1 limit 1) as own
        on own.called_at > moment - limits.period;

    is_own_limit := own_free_at is not null;
    free_at := greatest(free_at, own_free_at); -- which passes over nulls
    if free_at is null then
        insert into private.job_search_calls (id, called_at, user_id) values (p_call_id, moment, p_user_id);
        delete from private.job_search_calls
        where called_at < moment - (select max(period) from private.job_search_limits);
    end if;
end
$$;
revoke all on function private.reserve_job_search_call(uuid, uuid) from public, anon, authenticated, service_role;

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

drop function if exists private.cached_job_search(text, uuid, uuid, timestamptz);
-- A cached page with the person's own marks, or null. The results are left out for a caller who has this version.
create or replace function private.cached_job_search(p_query_key text, p_known_version uuid, p_user_id uuid)
    returns jsonb
    language sql
    set search_path = ''
as $$
    select jsonb_build_object(
        'version', version,
        'is_fresh', expires_at > clock_timestamp(),
        'age_seconds', greatest(0, floor(extract(epoch from clock_timestamp() - fetched_at))),
        'results', case when version is distinct from p_known_version then results end,
        'saved', array(
            select distinct adzuna_job_id from public.saved_jobs
            where user_id = p_user_id and adzuna_job_id = any (job_ids)),
        -- Of several applications for one job the newest counts.
        'applications', coalesce(
            (select jsonb_object_agg(adzuna_job_id, status order by created_at) from public.applications
             where user_id = p_user_id and adzuna_job_id = any (job_ids) and deleted_at is null),
            '{}'))
    from public.job_search_cache
    -- Older results than these mislead more than they help.
    where query_key = p_query_key and fetched_at > clock_timestamp() - interval '7 days'
$$;
revoke all on function private.cached_job_search(text, uuid, uuid) from public, anon, authenticated, service_role;

drop function if exists private.search_jobs(text, uuid, uuid, uuid, boolean, timestamptz);
