-- A run of the job sync: how it begins, goes on, and is given up for dead. One runs at a time, whatever its source: it
-- holds the lock `job_sync` for two minutes from its last word.

-- The log row of the run with this number if it is still the one that runs, and then its lock is extended and held
-- until the end of the transaction. Else all of it is null.
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

-- Closes the log rows of runs that died: whoever holds no lock writes nothing any more. Called by the scheduler at every
-- tick, so that the log is true although no other run begins. Answers {closed}.
create or replace function public.close_dead_job_syncs()
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    closed bigint;
begin
    -- A run that is extending its lock right now goes first.
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

-- Answers {outcome: 'began', run_id, lock_number}, or {outcome: 'running', retry_after_seconds} while another run goes
-- on.
create or replace function public.begin_job_sync(p_source text, p_locked_by text)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    lock jsonb := public.take_cron_lock('job_sync', p_locked_by, 120);
    run  public.scraping_logs;
begin
    if not (lock ->> 'taken')::boolean then
        return jsonb_build_object('outcome', 'running', 'retry_after_seconds', coalesce(
            greatest(1, ceil(extract(epoch from (lock ->> 'expires_at')::timestamptz - clock_timestamp()))), 1));
    end if;
    perform public.close_dead_job_syncs();
    insert into public.scraping_logs (source_name, lock_number) values (p_source, (lock ->> 'lock_number')::bigint)
    returning * into run;
    return jsonb_build_object('outcome', 'began', 'run_id', run.id, 'lock_number', run.lock_number);
end
$$;
revoke all on function public.begin_job_sync(text, text) from public, anon, authenticated, service_role;
grant execute on function public.begin_job_sync(text, text) to service_role;
