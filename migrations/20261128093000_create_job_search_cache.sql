-- Results of Adzuna by normalised query, so that the same search calls it once. Internal: no policies.
create table if not exists public.job_search_cache (
    id             uuid primary key default gen_random_uuid(),
    query_key      text not null,
    query          jsonb not null,
    results        jsonb not null,
    schema_version integer not null default 1, -- of query and results
    fetched_at     timestamptz not null default now(),
    expires_at     timestamptz not null,
    -- New with every fetch: a caller that names the version it has is not sent the results again.
    version        uuid not null default gen_random_uuid(),
    job_ids        text[] not null default '{}', -- of the postings, without unpacking the results
    constraint job_search_cache_unique_query_key unique (query_key),
    constraint job_search_cache_check_query_key check (char_length(query_key) between 1 and 2000)
);
comment on table public.job_search_cache is 'Results of Adzuna by normalised query.';
create index if not exists idx_job_search_cache_expires_at on public.job_search_cache (expires_at);

alter table public.job_search_cache enable row level security;
revoke all on table public.job_search_cache from anon, authenticated, service_role;
grant select, insert, update, delete on table public.job_search_cache to service_role;

-- Who is asking Adzuna for which page. Whoever holds the lease asks; all others with the same query wait for them. After
-- a failure nobody asks for that page until the lease expires.
create table if not exists private.job_search_leases (
    query_key  text primary key,
    id         uuid not null, -- also that of the call in the ledger
    expires_at timestamptz not null,
    -- Why asking failed, for those who waited and those who come before the lease expires.
    failure    text,
    failures   integer not null default 0 -- in a row: each time the page is left alone for longer
);
comment on table private.job_search_leases is
    'Who is asking Adzuna for which page at the moment, and which pages are left alone after a failure.';
create index if not exists idx_job_search_leases_expires_at on private.job_search_leases (expires_at);
alter table private.job_search_leases enable row level security;
revoke all on table private.job_search_leases from public, anon, authenticated, service_role;

-- A cached page with the person's own marks, or null. The results are left out for a caller who has this version. A
-- page that is not newer than `p_newer_than` is of no use to the caller; null if any is.
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
        -- Of several applications for one posting the newest counts.
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

-- Stores the results of Adzuna, ends the lease and returns the page with the person's marks. Safe to repeat. For the
-- service alone: a person must not be able to write into everybody's results.
create or replace function public.store_job_search(
    p_query_key text, p_query jsonb, p_results jsonb, p_job_ids text[], p_lease_id uuid, p_user_id uuid)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    -- How long results count as fresh. Adzuna's allowance is about three calls an hour.
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

    -- Pages that are too old to be shown are deleted, a few with each call.
    delete from public.job_search_cache
    where id in (select id from public.job_search_cache
                 where expires_at < moment - interval '7 days' order by expires_at limit 20 for update skip locked);

    perform private.note_vendor_call('adzuna', 'succeeded');
    return private.cached_job_search(p_query_key, new_version, p_user_id);
end
$$;
revoke all on function public.store_job_search(text, jsonb, jsonb, text[], uuid, uuid)
    from public, anon, authenticated, service_role;
grant execute on function public.store_job_search(text, jsonb, jsonb, text[], uuid, uuid) to service_role;
comment on function public.store_job_search(text, jsonb, jsonb, text[], uuid, uuid) is
    'Stores results of Adzuna and returns the page. '
    'Definer: it writes leases and the ledger in the schema private. '
    'Bounds: one page by its key; it ends only the lease that is named. A person cannot call it, or they could write '
    'into everybody''s results.';

-- Ends a lease without results. Whoever waits, and whoever comes while the failure is remembered, is told the same
-- without another call: that would be counted, too, and most likely fail, too. Nothing is given back to the allowance.
-- Adzuna counts every attempt, and of a broken connection nobody knows on which side of Adzuna's counter it broke.
--
-- `p_outcome` and `p_retry_after_seconds`: as in private.note_vendor_call.
create or replace function public.record_job_search_failure(
    p_query_key text, p_lease_id uuid, p_failure text, p_outcome text, p_retry_after_seconds bigint)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    first_pause   constant interval := '30 seconds';
    longest_pause constant interval := '1 hour';
    moment        timestamptz := clock_timestamp();
begin
    update private.job_search_leases
    set failure = p_failure,
        failures = failures + 1,
        -- What Adzuna has refused it will refuse again.
        expires_at = moment + case when p_outcome = 'succeeded' then longest_pause
                                   else least(first_pause * 2 ^ least(failures, 10), longest_pause) end
    where query_key = p_query_key and id = p_lease_id and failure is null;
    update private.job_search_calls set called_at = moment where id = p_lease_id;

    -- After that time a failure is the first again.
    delete from private.job_search_leases
    where query_key in (select query_key from private.job_search_leases
                        where expires_at < moment - interval '1 hour' order by expires_at limit 20
                        for update skip locked);
    perform private.note_vendor_call('adzuna', p_outcome, p_retry_after_seconds);
    return '{}';
end
$$;
revoke all on function public.record_job_search_failure(text, uuid, text, text, bigint)
    from public, anon, authenticated, service_role;
grant execute on function public.record_job_search_failure(text, uuid, text, text, bigint) to service_role;
comment on function public.record_job_search_failure(text, uuid, text, text, bigint) is
    'Ends a lease of a search that failed, and tells Adzuna''s circuit breaker. '
    'Definer: it writes leases and the ledger in the schema private. '
    'Bounds: only the lease that is named by its key and id; a known outcome; a page is left alone for an hour at most.';
