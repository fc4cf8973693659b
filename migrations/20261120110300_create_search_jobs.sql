-- Searching for jobs: what is cached, with what the person has done about it, or the right to ask Adzuna; and the two
-- ways in which asking ends.

-- Who is asking Adzuna for which page. Whoever holds the lease asks; everybody else with the same query waits for them.
create table if not exists private.job_search_leases (
    query_key  text primary key,
    id         uuid not null, -- also that of the call in the ledger
    expires_at timestamptz not null,
    -- How asking failed, for those who waited. It ends the lease and stays until somebody takes the next one.
    failure    text
);
create index if not exists idx_job_search_leases_expires_at on private.job_search_leases (expires_at);
alter table private.job_search_leases enable row level security;
revoke all on table private.job_search_leases from public, anon, authenticated, service_role;

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
revoke all on function public.search_jobs(text, uuid, uuid) from public, anon, authenticated, service_role;
grant execute on function public.search_jobs(text, uuid, uuid) to authenticated;

-- Keeps what Adzuna answered, ends the lease and answers the page with the person's marks. Safe to repeat. It is the
-- service's: a person must not be able to put words into everybody's results.
create or replace function public.store_job_search(
    p_query_key text, p_query jsonb, p_results jsonb, p_job_ids text[], p_lease_id uuid, p_user_id uuid)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    -- How long an answer counts as new. Adzuna's allowance is about three calls an hour.
    fresh       constant interval := '1 hour';
    moment      timestamptz := clock_timestamp();
    new_version uuid := gen_random_uuid();
begin
    insert into public.job_search_cache (query_key, query, results, job_ids, version, fetched_at, expires_at)
    values (p_query_key, p_query, p_results, p_job_ids, new_version, moment, moment + fresh)
    on conflict (query_key) do update
    set query = excluded.query, results = excluded.results, job_ids = excluded.job_ids, version = excluded.version,
        fetched_at = excluded.fetched_at, expires_at = excluded.expires_at;
    delete from private.job_search_leases where query_key = p_query_key and id = p_lease_id;
    update private.job_search_calls set called_at = moment where id = p_lease_id;

    -- What nobody is shown any more goes, a little with each answer.
    delete from public.job_search_cache
    where id in (select id from public.job_search_cache
                 where expires_at < moment - interval '7 days' order by expires_at limit 20 for update skip locked);

    return private.cached_job_search(p_query_key, new_version, p_user_id);
end
$$;
revoke all on function public.store_job_search(text, jsonb, jsonb, text[], uuid, uuid)
    from public, anon, authenticated, service_role;
grant execute on function public.store_job_search(text, jsonb, jsonb, text[], uuid, uuid) to service_role;

-- Ends a lease without results, and tells those who wait. A failed call counts like any other. Safe to repeat.
create or replace function public.record_job_search_failure(p_query_key text, p_lease_id uuid, p_failure text)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    moment timestamptz := clock_timestamp();
begin
    update private.job_search_leases
    set expires_at = moment, failure = p_failure
    where query_key = p_query_key and id = p_lease_id;
    update private.job_search_calls set called_at = moment where id = p_lease_id;

    -- Nobody waits that long.
    delete from private.job_search_leases
    where query_key in (select query_key from private.job_search_leases
                        where expires_at < moment - interval '1 hour' order by expires_at limit 20
                        for update skip locked);
    return '{}';
end
$$;
revoke all on function public.record_job_search_failure(text, uuid, text)
    from public, anon, authenticated, service_role;
grant execute on function public.record_job_search_failure(text, uuid, text) to service_role;
