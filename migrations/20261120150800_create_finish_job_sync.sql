-- Ends a run: closes its log row and gives the lock back. Without `p_error` it went well. If it has also fetched all there
-- is (`p_is_whole`), and that is something, the postings of its source that it has not seen are active no longer: a
-- fetch that failed, or that found nothing, never empties the catalogue.
-- Answers {outcome: 'finished', run}, also when asked again, or {outcome: 'superseded'} if the run is not the one that
-- runs any more.
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
    return jsonb_build_object('outcome', 'finished', 'run', to_jsonb(run));
end
$$;
revoke all on function public.finish_job_sync(bigint, boolean, text) from public, anon, authenticated, service_role;
grant execute on function public.finish_job_sync(bigint, boolean, text) to service_role;
