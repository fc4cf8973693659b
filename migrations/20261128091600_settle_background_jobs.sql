-- Completes, fails or puts back many leased jobs at once. `p_jobs`: [{job_id, lease_number, outcome, error, result,
-- retry_after_seconds}], where outcome is one of
--   completed
--   failed     for good
--   retry      later, after a backoff that grows with the attempts; failed if that was the last one
--   put_back   later, after exactly the pause that is named; does not count as an attempt
-- Returns one {job_id, status} for each; the status of a job whose lease the caller has lost is superseded. Settling a
-- job a second time changes nothing.
create or replace function public.settle_background_jobs(p_jobs jsonb)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    moment   constant timestamptz := clock_timestamp();
    statuses jsonb;
begin
    if exists (select from jsonb_to_recordset(p_jobs) as reported (outcome text)
               where outcome is null or outcome not in ('completed', 'failed', 'retry', 'put_back')) then
        perform private.refuse('invalid_input', 422, 'an outcome is none of completed, failed, retry, put_back');
    end if;

    -- Always in the same order, so that a late worker and the next one cannot deadlock.
    perform from public.background_jobs as job
    where job.id in (select reported.job_id from jsonb_to_recordset(p_jobs) as reported (job_id uuid))
    order by job.id
    for update;

    with reported as (
        select * from jsonb_to_recordset(p_jobs) as reported (
            job_id uuid, lease_number bigint, outcome text, error text, result jsonb, retry_after_seconds integer)
    ),
    settled as (
        update public.background_jobs as job
        set status = case
                when reported.outcome = 'completed' then 'completed'
                when reported.outcome = 'put_back' then 'pending'
                when reported.outcome = 'retry' and job.retry_count + 1 < job.max_attempts then 'pending'
                else 'failed'
            end::public.job_status,
            retry_count = job.retry_count + case when reported.outcome in ('retry', 'failed') then 1 else 0 end,
            run_at = case reported.outcome
                -- Half a minute, one, two, … with jitter, so that jobs that failed together do not come back together.
                when 'retry' then moment + greatest(
                    make_interval(secs => least(3600, 30 * 2 ^ job.retry_count) * (0.75 + random() / 2)),
                    make_interval(secs => coalesce(reported.retry_after_seconds, 0)))
                when 'put_back' then moment + make_interval(secs => coalesce(reported.retry_after_seconds, 0))
                else job.run_at end,
            error = left(reported.error, 500),
            result = reported.result,
            locked_by = null,
            lease_expires_at = null
        from reported
        where job.id = reported.job_id
          and job.status = 'processing'
          and job.lease_number = reported.lease_number
        returning job.id, job.status
    )
    select jsonb_agg(jsonb_build_object(
        'job_id', reported.job_id, 'status', coalesce(settled.status::text, 'superseded')))
    into statuses
    from reported
    left join settled on settled.id = reported.job_id;
    perform private.note_settled_jobs(p_jobs);
    return coalesce(statuses, '[]');
end
$$;
revoke all on function public.settle_background_jobs(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.settle_background_jobs(jsonb) to service_role;
comment on function public.settle_background_jobs(jsonb) is
    'Completes, fails or puts back leased background jobs. '
    'Definer: it refuses through private.refuse, which service_role cannot call. '
    'Bounds: only jobs whose current fencing token the caller knows; four outcomes; errors are cut at 500 characters.';
