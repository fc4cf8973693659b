-- How a worker gets jobs and keeps them. A lease lasts half a minute and carries a fencing token (`lease_number`): a
-- worker whose lease has passed to another one can change nothing any more.

-- Claims up to `p_limit` due jobs of the types that the worker knows, oldest first, each leased under a new fencing
-- token. Several workers at once get different jobs and never wait for each other. Only the database's clock counts, so
-- a worker's clock may be wrong.
--
-- A job whose lease has expired is due again, and the lost attempt counts: a job that crashes its worker must come to
-- an end. From then on it is claimed alone, so that it does not use up the attempts of the jobs around it.
create or replace function public.claim_background_jobs(p_worker text, p_job_types text[], p_limit integer)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    lease   constant interval := '30 seconds';
    moment  constant timestamptz := clock_timestamp();
    claimed jsonb;
    -- Their vendors are in trouble.
    paused  constant text[] := private.paused_job_types();
begin
    if p_limit is null or p_limit not between 1 and 500 then
        perform private.refuse('invalid_input', 422, 'the limit is a number from 1 to 500');
    end if;

    -- The last attempt was lost too.
    update public.background_jobs
    set status = 'failed', error = 'lease_expired', retry_count = retry_count + 1, lost_leases = lost_leases + 1,
        lease_number = lease_number + 1, locked_by = null, lease_expires_at = null
    where id in (
        select id from public.background_jobs
        where status = 'processing' and lease_expires_at <= moment and retry_count + 1 >= max_attempts
          and job_type = any (p_job_types)
        order by lease_expires_at
        limit p_limit
        for update skip locked);

    with waiting as materialized (
        select id, run_at, lost_leases > 0 as is_suspect
        from public.background_jobs
        where status = 'pending' and run_at <= moment and job_type = any (p_job_types) and job_type <> all (paused)
        order by run_at
        limit p_limit
        for update skip locked
    ),
    lost as materialized (
        select id, run_at, true as is_suspect
        from public.background_jobs
        where status = 'processing' and lease_expires_at <= moment and job_type = any (p_job_types)
        order by lease_expires_at
        limit p_limit
        for update skip locked
    ),
    due as (
        select id, is_suspect,
               row_number() over in_order as place,
               first_value(is_suspect) over in_order as is_led_by_suspect
        from (select * from waiting union all select * from lost) as job
        window in_order as (order by run_at, id)
    ),
    chosen as (
        select id from due
        where case when is_led_by_suspect then place = 1 else not is_suspect and place <= p_limit end
    ),
    leased as (
        update public.background_jobs as job
        set retry_count = job.retry_count + case when job.status = 'processing' then 1 else 0 end,
            lost_leases = job.lost_leases + case when job.status = 'processing' then 1 else 0 end,
            status = 'processing',
            locked_by = left(p_worker, 200),
            lease_expires_at = moment + lease,
            lease_number = job.lease_number + 1
        from chosen
        where job.id = chosen.id
        returning job.*
    )
    select jsonb_agg(jsonb_build_object(
               'id', id, 'user_id', user_id, 'job_type', job_type, 'payload', payload, 'progress', progress,
               'lease_number', lease_number, 'attempt', retry_count + 1) order by run_at, id)
    into claimed
    from leased;
    return coalesce(claimed, '[]');
end
$$;
revoke all on function public.claim_background_jobs(text, text[], integer)
    from public, anon, authenticated, service_role;
grant execute on function public.claim_background_jobs(text, text[], integer) to service_role;
comment on function public.claim_background_jobs(text, text[], integer) is
    'Leases due background jobs to a worker. '
    'Definer: it refuses through private.refuse, which service_role cannot call. '
    'Bounds: 1 to 500 jobs, only of the types named, leased for 30 seconds.';

-- Extends leases by half a minute, and keeps the progress of their jobs. `p_jobs`: [{job_id, lease_number, progress}],
-- where progress is a JSON object or absent. Returns the ids of the jobs that are still the caller's; the caller stops
-- the others.
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
comment on function public.extend_background_jobs(jsonb) is
    'Extends the leases of background jobs. '
    'Definer: so that it does not depend on what service_role is granted on the tables. '
    'Bounds: only jobs whose current fencing token the caller knows, and by 30 seconds.';

-- Whether the lease is still the caller's; if so, locks the job's row until the end of the transaction. For effects
-- that must happen in the transaction that settles their job, and so exactly once.
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
