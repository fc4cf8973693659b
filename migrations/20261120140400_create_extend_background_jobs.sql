-- Half a minute more for jobs that take longer, and how far they are. `p_jobs`: [{job_id, lease_number, progress}],
-- progress being a JSON object or absent. Answers the ids of the jobs that still are the caller's; it stops the others.
create or replace function public.extend_background_jobs(p_jobs jsonb)
    returns jsonb
    language sql
    security definer
    set search_path = ''
as $$
    with reported as (
        select * from jsonb_to_recordset(p_jobs) as reported (job_id uuid, lease_number bigint, progress jsonb)
    ),
    extended as (
        update public.background_jobs as job
        set lease_expires_at = clock_timestamp() + interval '30 seconds',
            progress = coalesce(reported.progress, job.progress)
        from reported
        where job.id = reported.job_id and job.status = 'processing' and job.lease_number = reported.lease_number
        returning job.id
    )
    select coalesce(jsonb_agg(id), '[]') from extended
$$;
revoke all on function public.extend_background_jobs(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.extend_background_jobs(jsonb) to service_role;
