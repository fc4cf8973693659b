-- The queue of work to be done later. Machinery: no policies.
do $$
begin
    if to_regtype('public.job_status') is null then
        create type public.job_status as enum ('pending', 'processing', 'completed', 'failed');
    end if;
end
$$;

create table if not exists public.background_jobs (
    id               uuid primary key default gen_random_uuid(),
    user_id          uuid, -- null for the product's own work
    status           public.job_status not null default 'pending',
    job_type         text not null,
    payload          jsonb not null,
    result           jsonb,
    schema_version   integer not null default 1, -- of payload and result
    error            text,
    retry_count      integer not null default 0,
    max_attempts     integer not null default 5,
    run_at           timestamptz not null default now(),
    locked_by        text,
    lease_expires_at timestamptz,
    -- Grows with every lease; a worker that comes back late with an old number is refused.
    lease_number     bigint not null default 0,
    -- Work that must be queued once: a second row with the same key is refused, also after the first is done.
    dedupe_key       text,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),
    constraint background_jobs_fk_user foreign key (user_id) references public.users (id) on delete cascade,
    constraint background_jobs_unique_dedupe_key unique (dedupe_key),
    constraint background_jobs_check_job_type check (job_type ~ '^[a-z][a-z0-9_]{0,99}$'),
    constraint background_jobs_check_payload check (jsonb_typeof(payload) = 'object'),
    constraint background_jobs_check_retry_count check (retry_count >= 0),
    constraint background_jobs_check_max_attempts check (max_attempts > 0),
    constraint background_jobs_check_dedupe_key check (char_length(dedupe_key) between 1 and 500)
);
create index if not exists idx_background_jobs_user_id on public.background_jobs (user_id);
create index if not exists idx_background_jobs_run_at on public.background_jobs (run_at) where status = 'pending';
create index if not exists idx_background_jobs_lease_expires_at
    on public.background_jobs (lease_expires_at) where status = 'processing';
create index if not exists idx_background_jobs_job_type_created_at on public.background_jobs (job_type, created_at);

create or replace trigger on_background_jobs_updated
    before update on public.background_jobs
    for each row execute function public.handle_updated_at();

alter table public.background_jobs enable row level security;
revoke all on table public.background_jobs from anon, authenticated, service_role;
grant select, insert, update, delete on table public.background_jobs to service_role;
