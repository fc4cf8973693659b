-- What becomes of leased jobs. The lease's number is the fence: whoever lost the lease changes nothing.

-- Whether the job is still the caller's, and holds its row until the end of the transaction. For effects that happen
-- together with the settling of their job, and so exactly once.
create or replace function private.hold_background_job(p_job_id uuid, p_lease_number bigint)
    returns boolean
    language plpgsql
    set search_path = ''
as $$
begin
    perform from public.background_jobs
    where id = p_job_id and status = 'processing' and lease_number = p_lease_number
    for update;
    return found;
end
$$;
revoke all on function private.hold_background_job(uuid, bigint) from public, anon, authenticated, service_role;

-- Completes, fails or gives back many jobs at once. `p_jobs`: [{job_id, lease_number, outcome, error, result,
-- retry_after_seconds}], outcome being one of
--   completed
--   failed     for good
--   retry      later, after a pause that grows with the attempts; failed if that was the last one
--   put_back   later, after just the pause that is named; does not count as an attempt
-- Answers one {job_id, status} for each; the status of a job that is no longer the caller's is superseded. Settling the
-- same again changes nothing.
create or replace function public.settle_background_jobs(p_jobs jsonb)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    moment constant timestamptz := clock_timestamp();
    answer jsonb;
begin
    if exists (select from jsonb_to_recordset(p_jobs) as reported (outcome text)
               where outcome is null or outcome not in ('completed', 'failed', 'retry', 'put_back')) then
        perform private.refuse('invalid_input', 422, 'an outcome is none of completed, failed, retry, put_back');
    end if;

    -- In one order everywhere, so that a late worker and the one after it cannot wait for each other.
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
                -- Half a minute, one, two, … with a spread, so that what failed together does not come back together.
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
    into answer
    from reported
    left join settled on settled.id = reported.job_id;
    return coalesce(answer, '[]');
end
$$;
revoke all on function public.settle_background_jobs(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.settle_background_jobs(jsonb) to service_role;
