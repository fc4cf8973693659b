-- Searching for postings. The search of a person and that of an alert are one: the same pages, the same leases, the
-- same ledger. What a person may call changes nothing: only the backend takes the right to ask Adzuna, after the person's
-- own request has shown that there is need.

-- What there is without asking Adzuna, and whether it may be asked. One of
--   fresh    {page}: the cached page, with what the person has done about its postings
--   awaited  {page}: somebody is asking
--   resting  {page}: asking has failed lately
--   failed   {failure, retry_after_seconds}: the same, and there is no older page
--   paused   {page, retry_after_seconds}: Adzuna's circuit breaker is open
--   missing  {page, user_id}: somebody has to ask
-- where `page` is null or an older one.
create or replace function private.look_for_job_search(
    p_query_key text, p_known_version uuid, p_user_id uuid, p_newer_than timestamptz)
    returns jsonb
    language plpgsql
    stable
    set search_path = ''
as $$
declare
    page  jsonb;
    lease private.job_search_leases;
    pause integer;
begin
    if p_query_key is null or p_query_key !~ '^[0-9a-f]{64}$' then
        perform private.refuse('invalid_input', 422, 'the key of a query is a SHA-256 in hexadecimal digits');
    end if;
    page := private.cached_job_search(p_query_key, p_known_version, p_user_id, p_newer_than);
    if (page ->> 'is_fresh')::boolean then
        return jsonb_build_object('outcome', 'fresh', 'page', page);
    end if;

    select * into lease from private.job_search_leases
    where query_key = p_query_key and expires_at > clock_timestamp();
    if found and lease.failure is null then
        return jsonb_build_object('outcome', 'awaited', 'page', page);
    elsif found and page is not null then
        return jsonb_build_object('outcome', 'resting', 'page', page);
    elsif found then
        return jsonb_build_object(
            'outcome', 'failed', 'failure', lease.failure, 'retry_after_seconds',
            greatest(1, ceil(extract(epoch from lease.expires_at - clock_timestamp()))));
    end if;

    pause := private.circuit_breaker_pause('adzuna');
    if pause is not null then
        return jsonb_build_object('outcome', 'paused', 'page', page, 'retry_after_seconds', pause);
    end if;
    return jsonb_build_object('outcome', 'missing', 'page', page, 'user_id', p_user_id);
end
$$;
revoke all on function private.look_for_job_search(text, uuid, uuid, timestamptz)
    from public, anon, authenticated, service_role;

-- The same, but what is missing is leased to the caller, out of the person's share, or that of alerts. Then it is one of
--   leased   {lease_id, user_id, page}: the caller asks, and the call is in the ledger
--   spent    {page, retry_after_seconds, is_own_limit}: there is nothing left to ask with
create or replace function private.lease_job_search(
    p_query_key text, p_known_version uuid, p_user_id uuid, p_is_alert boolean, p_newer_than timestamptz)
    returns jsonb
    language plpgsql
    set search_path = ''
as $$
declare
    -- How long a caller has to ask Adzuna and store the results.
    lease_time constant interval := '15 seconds';
    found_so   jsonb := private.look_for_job_search(p_query_key, p_known_version, p_user_id, p_newer_than);
    page       jsonb;
    lease      private.job_search_leases;
    reserved   record;
    pause      integer;
begin
    if found_so ->> 'outcome' <> 'missing' then
        return found_so;
    end if;
    insert into private.job_search_leases as held (query_key, id, expires_at)
    values (p_query_key, gen_random_uuid(), clock_timestamp() + lease_time)
    on conflict (query_key) do update set id = excluded.id, expires_at = excluded.expires_at, failure = null
        where held.expires_at <= clock_timestamp()
    returning * into lease;
    if not found then
        -- Another caller was quicker.
        found_so := private.look_for_job_search(p_query_key, p_known_version, p_user_id, p_newer_than);
        return case when found_so ->> 'outcome' = 'missing'
                    then jsonb_build_object('outcome', 'awaited', 'page', found_so -> 'page') else found_so end;
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
    -- Last: whoever gets the one trial here makes the call.
    pause := private.pass_circuit_breaker('adzuna');
    if pause is not null then
        delete from private.job_search_calls where id = lease.id;
        delete from private.job_search_leases where query_key = p_query_key;
        return jsonb_build_object('outcome', 'paused', 'page', page, 'retry_after_seconds', pause);
    end if;
    return jsonb_build_object('outcome', 'leased', 'lease_id', lease.id, 'user_id', p_user_id, 'page', page);
end
$$;
revoke all on function private.lease_job_search(text, uuid, uuid, boolean, timestamptz)
    from public, anon, authenticated, service_role;

-- For a person. Whoever calls it without the function that asks Adzuna spends nothing, and holds up nobody.
create or replace function public.search_jobs(p_query_key text, p_known_version uuid default null)
    returns jsonb
    language plpgsql
    stable
    security definer
    set search_path = ''
as $$
declare
    person_id uuid := public.current_user_id();
    found_so  jsonb;
begin
    if person_id is null then
        perform private.refuse('profile_pending', 403, 'the profile of this account has not been made yet');
    end if;
    found_so := private.look_for_job_search(p_query_key, p_known_version, person_id, null);
    if found_so ->> 'outcome' = 'missing' then
        -- What is there may be looked at; asking would spend the person's share.
        perform private.refuse_impersonation();
    end if;
    return found_so;
end
$$;
revoke all on function public.search_jobs(text, uuid) from public, anon, authenticated, service_role;
grant execute on function public.search_jobs(text, uuid) to authenticated;
comment on function public.search_jobs(text, uuid) is
    'The cached page of a search for the caller, or that it is missing. '
    'Definer: it reads everybody''s cache, in tables that no person reaches. '
    'Bounds: the person is the caller, never an argument; the key is a SHA-256, so it reveals a page only to those '
    'who know its query; it changes nothing.';

-- For a person whose own search_jobs has said that the page is missing.
create or replace function public.lease_job_search(p_query_key text, p_known_version uuid, p_user_id uuid)
    returns jsonb
    language sql
    security definer
    set search_path = ''
as $$
    select private.lease_job_search(p_query_key, p_known_version, p_user_id, false, null)
$$;
revoke all on function public.lease_job_search(text, uuid, uuid) from public, anon, authenticated, service_role;
grant execute on function public.lease_job_search(text, uuid, uuid) to service_role;
comment on function public.lease_job_search(text, uuid, uuid) is
    'The right to ask Adzuna for the page of a search, or what there is instead. '
    'Definer: it takes calls out of the allowance, in tables of the schema private. '
    'Bounds: the key is a SHA-256; calls are limited per person. A person cannot call it, or they could spend the '
    'allowance without a search.';

-- For an alert of this person.
create or replace function public.search_jobs_for_alert(
    p_query_key text, p_known_version uuid, p_user_id uuid, p_newer_than timestamptz)
    returns jsonb
    language sql
    security definer
    set search_path = ''
as $$
    select private.lease_job_search(p_query_key, p_known_version, p_user_id, true, p_newer_than)
$$;
revoke all on function public.search_jobs_for_alert(text, uuid, uuid, timestamptz)
    from public, anon, authenticated, service_role;
grant execute on function public.search_jobs_for_alert(text, uuid, uuid, timestamptz) to service_role;
comment on function public.search_jobs_for_alert(text, uuid, uuid, timestamptz) is
    'The cached page of a search, or the right to ask Adzuna, for an alert of the person named. '
    'Definer: it calls functions of the schema private, which service_role cannot reach. '
    'Bounds: the key is a SHA-256; calls are limited by the share of alerts.';
