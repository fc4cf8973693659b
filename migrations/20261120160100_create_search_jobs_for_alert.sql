-- The search of a person and that of an alert are one: the same pages, the same leases, the same ledger.

-- A cached page with the person's own marks, or null. The results are left out for a caller who has this version. A page
-- that is not newer than `p_newer_than` is of no use to the caller; null if any is.
create or replace function private.cached_job_search(
    p_query_key text, p_known_version uuid, p_user_id uuid, p_newer_than timestamptz default null)
    returns jsonb
    language sql
    set search_path = ''
as $$
    select jsonb_build_object(
        'version', version,
        'is_fresh', expires_at > clock_timestamp(),
        'fetched_at', fetched_at,
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
      and (p_newer_than is null or fetched_at > p_newer_than)
$$;
revoke all on function private.cached_job_search(text, uuid, uuid, timestamptz)
    from public, anon, authenticated, service_role;
drop function if exists private.cached_job_search(text, uuid, uuid);

-- What is cached, with what the person has done about it, or the right to ask Adzuna out of their share, or that of alerts.
create or replace function private.search_jobs(
    p_query_key text, p_known_version uuid, p_awaited_lease_id uuid, p_user_id uuid, p_is_alert boolean,
    p_newer_than timestamptz)
    returns jsonb
    language plpgsql
    set search_path = ''
as $$
declare
    -- How long a caller has to ask Adzuna and write the answer down.
    lease_time  constant interval := '15 seconds';
    -- After a failure, how long old results are given without asking again.
    rest        constant interval := '30 seconds';
    page        jsonb;
    lease       private.job_search_leases;
    reserved    record;
begin
    if p_query_key is null or p_query_key !~ '^[0-9a-f]{64}$' then
        perform private.refuse('invalid_input', 422, 'the key of a query is a SHA-256 in hexadecimal digits');
    end if;

    page := private.cached_job_search(p_query_key, p_known_version, p_user_id, p_newer_than);
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
    page := private.cached_job_search(p_query_key, p_known_version, p_user_id, p_newer_than);
    if (page ->> 'is_fresh')::boolean then
        delete from private.job_search_leases where query_key = p_query_key;
        return jsonb_build_object('outcome', 'fresh', 'page', page);
    end if;

    select * into reserved from private.reserve_job_search_call(lease.id, p_user_id, p_is_alert);
    if reserved.free_at is not null then
        delete from private.job_search_leases where query_key = p_query_key;
        return jsonb_build_object(
            'outcome', 'spent', 'page', page, 'is_own_limit', reserved.is_own_limit,
            'retry_after_seconds', greatest(1, ceil(extract(epoch from reserved.free_at - clock_timestamp()))));
    end if;
    return jsonb_build_object('outcome', 'leased', 'lease_id', lease.id, 'user_id', p_user_id, 'page', page);
end
$$;
revoke all on function private.search_jobs(text, uuid, uuid, uuid, boolean, timestamptz)
    from public, anon, authenticated, service_role;

-- For a person. They can call it without the function that asks Adzuna, and then it is their own share they use up.
create or replace function public.search_jobs(
    p_query_key text, p_known_version uuid default null, p_awaited_lease_id uuid default null)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    person_id uuid := public.current_user_id();
begin
    if person_id is null then
        perform private.refuse('profile_pending', 403, 'the profile of this account has not been made yet');
    end if;
    return private.search_jobs(p_query_key, p_known_version, p_awaited_lease_id, person_id, false, null);
end
$$;

-- For an alert of this person's.
create or replace function public.search_jobs_for_alert(
    p_query_key text, p_known_version uuid, p_awaited_lease_id uuid, p_user_id uuid, p_newer_than timestamptz)
    returns jsonb
    language sql
    security definer
    set search_path = ''
as $$
    select private.search_jobs(p_query_key, p_known_version, p_awaited_lease_id, p_user_id, true, p_newer_than)
$$;
revoke all on function public.search_jobs_for_alert(text, uuid, uuid, uuid, timestamptz)
    from public, anon, authenticated, service_role;
grant execute on function public.search_jobs_for_alert(text, uuid, uuid, uuid, timestamptz) to service_role;

drop function if exists private.reserve_job_search_call(uuid, uuid);
