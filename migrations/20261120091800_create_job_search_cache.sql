-- Answers of the job search service by normalised query, so that the same search asks it once. Machinery: no policies.
create table if not exists public.job_search_cache (
    id             uuid primary key default gen_random_uuid(),
    query_key      text not null,
    query          jsonb not null,
    results        jsonb not null,
    schema_version integer not null default 1, -- of query and results
    fetched_at     timestamptz not null default now(),
    expires_at     timestamptz not null,
    constraint job_search_cache_unique_query_key unique (query_key),
    constraint job_search_cache_check_query_key check (char_length(query_key) between 1 and 2000)
);
create index if not exists idx_job_search_cache_expires_at on public.job_search_cache (expires_at);

alter table public.job_search_cache enable row level security;
revoke all on table public.job_search_cache from anon, authenticated, service_role;
grant select, insert, update, delete on table public.job_search_cache to service_role;
