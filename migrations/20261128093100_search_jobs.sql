-- Searching for postings. The search of a person and that of an alert are one: the same pages, the same leases, the
-- same ledger.

-- The cached page, with what the person has done about its postings, or the right to ask Adzuna out of the person's
-- share, or that of alerts.
create or replace function private.search_jobs(
    p_query_key text, p_known_version uuid, p_awaited_lease_id uuid, p_user_id uuid, p_is_alert boolean,
    p_newer_than timestamptz)
    returns jsonb
    language plpgsql
    set search_path = ''
as $$
declare
    -- How long a caller has to ask Adzuna and store the results.
    lease_time  constant interval := '15 seconds';
    -- After a failure, how long old results are given without asking again.
    backoff     constant interval := '30 seconds';
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
        if page is not null and lease.expires_at > clock_timestamp() - backoff then
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

    -- Between the first look and the lease another caller may have stored the results.
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

-- For a person. They can call it without the function that asks Adzuna, and then they use up their own share.
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
revoke all on function public.search_jobs(text, uuid, uuid) from public, anon, authenticated, service_role;
grant execute on function public.search_jobs(text, uuid, uuid) to authenticated;
comment on function public.search_jobs(text, uuid, uuid) is
    'The cached page of a search, or the right to ask Adzuna, for the caller. '
    'Definer: it reads everybody''s cache and takes calls out of the allowance, in tables that no person reaches. '
    'Bounds: the person is the caller, never an argument; the key is a SHA-256, so it reveals a page only to those '
    'who know its query; calls are limited per person.';

-- For an alert of this person.
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
comment on function public.search_jobs_for_alert(text, uuid, uuid, uuid, timestamptz) is
    'The cached page of a search, or the right to ask Adzuna, for an alert of the person named. '
    'Definer: it calls functions of the schema private, which service_role cannot reach. '
    'Bounds: the key is a SHA-256; calls are limited by the share of alerts.';
