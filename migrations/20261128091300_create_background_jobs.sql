-- The queue of background jobs. Internal, with one exception: a person sees, queues and cancels jobs of their own, of
-- the types that are meant for people.
do $$
begin
    if to_regtype('public.job_status') is null then
        create type public.job_status as enum ('pending', 'processing', 'completed', 'failed');
    end if;
end
$$;

create table if not exists public.background_jobs (
    id               uuid primary key default gen_random_uuid(),
    user_id          uuid default public.current_user_id(), -- null for a job of the product's own
    status           public.job_status not null default 'pending',
    job_type         text not null,
    payload          jsonb not null,
    result           jsonb,
    schema_version   integer not null default 1, -- of payload and result
    -- How far the job is, as its worker reports it while it works: {step, done, of}, of which step is in its type's own
    -- words and the other two may be absent. Survives the attempt that wrote it.
    progress         jsonb,
    error            text,
    retry_count      integer not null default 0,
    -- How many leases expired because their worker vanished. Such a job is a suspect: see claim_background_jobs.
    lost_leases      integer not null default 0,
    max_attempts     integer not null default 5,
    run_at           timestamptz not null default now(),
    locked_by        text,
    lease_expires_at timestamptz,
    -- The fencing token: it grows with every lease, so a worker that comes back late with an old one is refused.
    lease_number     bigint not null default 0,
    -- For a job that must be queued once: a second row with the same key is refused, even after the first has finished.
    dedupe_key       text,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),
    constraint background_jobs_fk_user foreign key (user_id) references public.users (id) on delete cascade,
    constraint background_jobs_unique_dedupe_key unique (dedupe_key),
    constraint background_jobs_check_job_type check (job_type ~ '^[a-z][a-z0-9_]{0,99}$'),
    constraint background_jobs_check_payload check (jsonb_typeof(payload) = 'object'),
    constraint background_jobs_check_progress check (jsonb_typeof(progress) = 'object'),
    constraint background_jobs_check_retry_count check (retry_count >= 0),
    constraint background_jobs_check_lost_leases check (lost_leases >= 0),
    constraint background_jobs_check_max_attempts check (max_attempts > 0),
    constraint background_jobs_check_dedupe_key check (char_length(dedupe_key) between 1 and 500)
);
comment on table public.background_jobs is 'The queue of background jobs, with their leases and outcomes.';
-- Each job is written three times and more, and soon deleted. New versions of a row find room on its page, and dead ones
-- are cleared away before a claim has to step over many of them.
alter table public.background_jobs set (
    fillfactor = 80,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 500,
    autovacuum_analyze_scale_factor = 0.05,
    autovacuum_vacuum_cost_delay = 0);
-- The second column is for the limit of jobs a day.
create index if not exists idx_background_jobs_user_id_created_at on public.background_jobs (user_id, created_at);
-- For the limit of queued jobs per person, and a person's list of unfinished jobs.
create index if not exists idx_background_jobs_user_id_unfinished
    on public.background_jobs (user_id) where status in ('pending', 'processing');
-- For the claim, which reads the head of each type, and the suspects apart.
create index if not exists idx_background_jobs_job_type_run_at
    on public.background_jobs (job_type, run_at) where status = 'pending' and lost_leases = 0;
create index if not exists idx_background_jobs_lost_leases_run_at
    on public.background_jobs (lost_leases, run_at) where status = 'pending' and lost_leases > 0;
create index if not exists idx_background_jobs_lease_expires_at
    on public.background_jobs (lease_expires_at) where status = 'processing';
create index if not exists idx_background_jobs_job_type_created_at on public.background_jobs (job_type, created_at);
-- For the purge: what goes soon, and what is kept for longer. A finished job is in one of them.
create index if not exists idx_background_jobs_updated_at_completed
    on public.background_jobs (updated_at) where status = 'completed';
create index if not exists idx_background_jobs_updated_at_failed
    on public.background_jobs (updated_at) where status = 'failed';

create or replace trigger on_background_jobs_updated
    before update on public.background_jobs
    for each row execute function public.handle_updated_at();

alter table public.background_jobs enable row level security;
revoke all on table public.background_jobs from anon, authenticated, service_role;
grant select, insert (user_id, job_type, payload, run_at), update (status, error)
    on table public.background_jobs to authenticated;
grant select, insert, update, delete on table public.background_jobs to service_role;

drop policy if exists background_jobs_select_own on public.background_jobs;
create policy background_jobs_select_own on public.background_jobs for select to authenticated
    using (user_id = (select public.current_user_id())
           and job_type in ('reconcile_application', 'saved_search_alert'));

drop policy if exists background_jobs_insert_own on public.background_jobs;
create policy background_jobs_insert_own on public.background_jobs for insert to authenticated
    with check (user_id = (select public.current_user_id())
                and job_type in ('reconcile_application', 'saved_search_alert'));

-- The only change that a person makes to a job is to cancel it.
drop policy if exists background_jobs_cancel_own on public.background_jobs;
create policy background_jobs_cancel_own on public.background_jobs for update to authenticated
    using (user_id = (select public.current_user_id())
           and job_type in ('reconcile_application', 'saved_search_alert')
           and status in ('pending', 'processing'))
    with check (user_id = (select public.current_user_id())
                and status = 'failed' and error = 'cancelled');

-- Nobody fills the queue at the expense of others. Runs with the rights of whoever inserts, on purpose: only
-- `authenticated` is a person's own request, and only then are their jobs counted. What is counted over a day includes
-- what they cancelled, or queueing and cancelling would go round the limit; what the backend queued for them, which has
-- a dedupe key, does not count.
create or replace function private.limit_queued_jobs()
    returns trigger
    language plpgsql
    set search_path = ''
as $$
declare
    unfinished_at_most constant integer := 20;
    a_day_at_most      constant integer := 100;
    payload_at_most    constant integer := 4096; -- bytes
    a_minute           constant integer := 60; -- the job runner comes that often
    today              integer;
    pause              integer; -- until the oldest of them is a day old, in seconds
begin
    if current_user <> 'authenticated' then
        return new;
    end if;
    if octet_length(new.payload::text) > payload_at_most then
        perform private.refuse('invalid_input', 422, format('a payload is at most %s bytes long', payload_at_most));
    end if;
    -- One person's inserts wait for each other, so that the count is exact.
    perform pg_advisory_xact_lock(hashtextextended('queued_jobs:' || new.user_id, 0));
    if (select count(*) from public.background_jobs
        where user_id = new.user_id and status in ('pending', 'processing')) >= unfinished_at_most then
        perform private.refuse('too_many_jobs', 429,
            format('%s jobs are waiting already; more can be queued when they are done', unfinished_at_most),
            p_retry_after => a_minute);
    end if;
    select count(*), greatest(1, ceil(extract(epoch from min(created_at) + interval '1 day' - clock_timestamp())))
    into today, pause
    from public.background_jobs
    where user_id = new.user_id and created_at > clock_timestamp() - interval '1 day' and dedupe_key is null;
    if today >= a_day_at_most then
        perform private.refuse('too_many_background_jobs', 429,
            format('%s jobs were queued within a day, cancelled ones included; more can be queued later', a_day_at_most),
            p_retry_after => pause);
    end if;
    return new;
end
$$;
revoke all on function private.limit_queued_jobs() from public, anon, authenticated, service_role;

create or replace trigger on_background_jobs_created_limit_people
    before insert on public.background_jobs
    for each row execute function private.limit_queued_jobs();

-- A cancelled job's worker loses its lease, however the job was cancelled.
create or replace function private.end_lease_of_cancelled_job()
    returns trigger
    language plpgsql
    set search_path = ''
as $$
begin
    new.lease_number := old.lease_number + 1;
    new.locked_by := null;
    new.lease_expires_at := null;
    return new;
end
$$;
revoke all on function private.end_lease_of_cancelled_job() from public, anon, authenticated, service_role;

create or replace trigger on_background_jobs_cancelled
    before update of status on public.background_jobs
    for each row when (old.status in ('pending', 'processing') and new.status = 'failed' and new.error = 'cancelled')
    execute function private.end_lease_of_cancelled_job();
