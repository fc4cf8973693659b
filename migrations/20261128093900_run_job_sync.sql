-- A run of the posting sync: how it begins, goes on, ends, or is given up for dead. One runs at a time, whatever its
-- source: it holds the lock `job_sync`, which expires two minutes after its last call.

-- One row per run of the sync, which brings postings from a source. Internal: no policies.
create table if not exists public.scraping_logs (
    id               uuid primary key default gen_random_uuid(),
    source_name      text not null,
    status           text not null default 'running',
    -- The run's fencing token, from cron_locks.
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
comment on table public.scraping_logs is 'The runs of the posting sync.';
create index if not exists idx_scraping_logs_source_name_started_at
    on public.scraping_logs (source_name, started_at desc);
-- For the purge.
create index if not exists idx_scraping_logs_completed_at
    on public.scraping_logs (completed_at) where completed_at is not null;
create index if not exists idx_scraping_logs_running on public.scraping_logs (source_name) where status = 'running';

alter table public.scraping_logs enable row level security;
revoke all on table public.scraping_logs from anon, authenticated, service_role;
grant select, insert, update, delete on table public.scraping_logs to service_role;

-- The log row of the run with this fencing token if it is the current run; then its lock is extended and held until the
-- end of the transaction. Otherwise every field is null.
create or replace function private.hold_job_sync(p_lock_number bigint)
    returns public.scraping_logs
    language plpgsql
    set search_path = ''
as $$
declare
    run public.scraping_logs;
begin
    if private.hold_cron_lock('job_sync', p_lock_number, 120) then
        select * into run from public.scraping_logs
        where lock_number = p_lock_number and status = 'running'
        for update;
    end if;
    return run;
end
$$;
revoke all on function private.hold_job_sync(bigint) from public, anon, authenticated, service_role;

-- Closes the log rows of runs that died: without the lock a run can write nothing any more. Called by the scheduler at
-- every tick, so that the log is correct even when no other run begins. Returns {closed}.
create or replace function public.close_dead_job_syncs()
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    closed bigint;
begin
    -- Waits for a run that is extending its lock at this moment.
    perform from public.cron_locks where lock_name = 'job_sync' for update;
    update public.scraping_logs as run
    set status = 'failed', error = 'run_died', completed_at = clock_timestamp()
    where run.status = 'running'
      and not exists (select from public.cron_locks as lock
                      where lock.lock_name = 'job_sync' and lock.lock_number = run.lock_number
                        and lock.expires_at > clock_timestamp());
    get diagnostics closed = row_count;
    return jsonb_build_object('closed', closed);
end
$$;
revoke all on function public.close_dead_job_syncs() from public, anon, authenticated, service_role;
grant execute on function public.close_dead_job_syncs() to service_role;
comment on function public.close_dead_job_syncs() is
    'Closes the log rows of runs that died. '
    'Definer: so that it does not depend on what service_role is granted on the tables. '
    'Bounds: it takes no arguments; only runs without a valid lock.';

-- Returns {outcome: 'began', run_id, lock_number}, or {outcome: 'running', retry_after_seconds} while another run is in
-- progress, or {outcome: 'paused', retry_after_seconds} while the source's circuit breaker is open.
create or replace function public.begin_job_sync(p_source text, p_locked_by text)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    lock  jsonb := public.take_cron_lock('job_sync', p_locked_by, 120);
    pause integer;
    run   public.scraping_logs;
begin
    if not (lock ->> 'taken')::boolean then
        return jsonb_build_object('outcome', 'running', 'retry_after_seconds', coalesce(
            greatest(1, ceil(extract(epoch from (lock ->> 'expires_at')::timestamptz - clock_timestamp()))), 1));
    end if;
    pause := private.pass_circuit_breaker(p_source);
    if pause is not null then
        perform public.release_cron_lock('job_sync', (lock ->> 'lock_number')::bigint);
        return jsonb_build_object('outcome', 'paused', 'retry_after_seconds', pause);
    end if;
    perform public.close_dead_job_syncs();
    insert into public.scraping_logs (source_name, lock_number) values (p_source, (lock ->> 'lock_number')::bigint)
    returning * into run;
    return jsonb_build_object('outcome', 'began', 'run_id', run.id, 'lock_number', run.lock_number);
end
$$;
revoke all on function public.begin_job_sync(text, text) from public, anon, authenticated, service_role;
grant execute on function public.begin_job_sync(text, text) to service_role;
comment on function public.begin_job_sync(text, text) is
    'Begins a run of the posting sync, if none is in progress. '
    'Definer: so that it does not depend on what service_role is granted on the tables. '
    'Bounds: one run at a time; a source whose name is not valid cannot store a posting.';

-- Ends a run: closes its log row and releases the lock. Without `p_error` it succeeded. If it has also fetched
-- everything (`p_is_whole`), and at least one posting, the postings of its source that it has not seen are deactivated:
-- a fetch that failed, or that found nothing, never empties the catalogue. Returns {outcome: 'finished', run}, also
-- when called again, or {outcome: 'superseded'} if the run is not the current one any more.
create or replace function public.finish_job_sync(
    p_lock_number bigint, p_is_whole boolean, p_error text default null)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    run         public.scraping_logs := private.hold_job_sync(p_lock_number);
    deactivated integer := 0;
begin
    if run.id is null then
        select * into run from public.scraping_logs where lock_number = p_lock_number;
        if run.status <> 'running' and run.error is not distinct from p_error then
            return jsonb_build_object('outcome', 'finished', 'run', to_jsonb(run));
        end if;
        return jsonb_build_object('outcome', 'superseded');
    end if;

    if p_error is null and p_is_whole and run.jobs_fetched > run.errors then
        update public.jobs
        set is_active = false
        where source = run.source_name and is_active and (last_seen is null or last_seen < run.started_at);
        get diagnostics deactivated = row_count;
    end if;
    update public.scraping_logs
    set status = case when p_error is null then 'completed' else 'failed' end,
        error = left(p_error, 500),
        jobs_deactivated = deactivated,
        completed_at = clock_timestamp()
    where id = run.id
    returning * into run;
    perform public.release_cron_lock('job_sync', p_lock_number);
    if p_error is null or private.call_outcome(p_error) is not null then
        perform private.note_vendor_call(
            run.source_name, coalesce(private.call_outcome(p_error), 'succeeded'));
    end if;
    return jsonb_build_object('outcome', 'finished', 'run', to_jsonb(run));
end
$$;
revoke all on function public.finish_job_sync(bigint, boolean, text) from public, anon, authenticated, service_role;
grant execute on function public.finish_job_sync(bigint, boolean, text) to service_role;
comment on function public.finish_job_sync(bigint, boolean, text) is
    'Ends a run of the posting sync. '
    'Definer: it calls functions of the schema private, which service_role cannot reach. '
    'Bounds: only the current run, known by its fencing token; only postings of its source are deactivated; the error '
    'is cut at 500 characters.';
