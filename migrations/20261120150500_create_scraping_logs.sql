-- One row a run that brings postings from a source. Machinery: no policies.
create table if not exists public.scraping_logs (
    id               uuid primary key default gen_random_uuid(),
    source_name      text not null,
    status           text not null default 'running',
    -- The run's number in cron_locks, which fences what it writes.
    lock_number      bigint not null,
    batches          integer not null default 0, -- how many were stored
    jobs_fetched     integer not null default 0,
    jobs_new         integer not null default 0,
    jobs_updated     integer not null default 0, -- changed, or back again
    jobs_skipped     integer not null default 0, -- known and unchanged, or fetched twice
    jobs_deactivated integer not null default 0, -- not shown by the source any more
    errors           integer not null default 0, -- postings that could not be read
    error            text, -- why the run failed
    started_at       timestamptz not null default clock_timestamp(),
    completed_at     timestamptz,
    constraint scraping_logs_unique_lock_number unique (lock_number),
    constraint scraping_logs_check_status check (status in ('running', 'completed', 'failed')),
    constraint scraping_logs_check_completed_at check ((status = 'running') = (completed_at is null)),
    constraint scraping_logs_check_error check ((status = 'failed') = (error is not null) and char_length(error) <= 500)
);
create index if not exists idx_scraping_logs_source_name_started_at
    on public.scraping_logs (source_name, started_at desc);
create index if not exists idx_scraping_logs_running on public.scraping_logs (source_name) where status = 'running';

alter table public.scraping_logs enable row level security;
revoke all on table public.scraping_logs from anon, authenticated, service_role;
grant select, insert, update, delete on table public.scraping_logs to service_role;
