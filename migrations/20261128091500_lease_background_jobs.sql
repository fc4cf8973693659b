-- How a worker gets jobs and keeps them. A lease lasts half a minute and carries a fencing token (`lease_number`): a
-- worker whose lease has passed to another one can change nothing any more.

-- Claims up to `p_limit` due jobs of the types that the worker knows, each leased under a new fencing token. Several
-- workers at once get different jobs and never wait for each other. Only the database's clock counts, so a worker's
-- clock may be wrong.
--
-- The types take turns: the oldest job of each, then the second oldest of each, and so on. However many jobs of one type
-- wait, those of another are in the next batch. For each type only the head of its own index is read.
--
-- A job whose lease has expired is due again, and the lost attempt counts: a job that crashes its worker must come to
-- an end. From then on it is a suspect, and is claimed alone, so that it does not use up the attempts of the jobs
-- around it. Suspects come when nothing else is due, or when the worker asks for one (`p_suspect_only`), which it does
-- once it has settled everything else. Among themselves they take turns: whoever lost the fewest leases is next.
create or replace function public.claim_background_jobs(
    p_worker text, p_job_types text[], p_limit integer, p_suspect_only boolean default false)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    lease   constant interval := '30 seconds';
    moment  constant timestamptz := clock_timestamp();
    chosen  uuid[];
    claimed jsonb;
    -- Not those whose vendor is in trouble.
    wanted  constant text[] := array(select unnest(p_job_types) except select unnest(private.paused_job_types()));
begin
    if p_limit is null or p_limit not between 1 and 500 then
        perform private.refuse('invalid_input', 422, 'the limit is a number from 1 to 500');
    end if;

    -- Their workers have vanished.
    update public.background_jobs
    set status = case when retry_count + 1 < max_attempts then 'pending' else 'failed' end::public.job_status,
        error = case when retry_count + 1 < max_attempts then error else 'lease_expired' end,
        retry_count = retry_count + 1,
        lost_leases = lost_leases + 1,
        lease_number = lease_number + 1,
        locked_by = null,
        lease_expires_at = null
    where id in (
        select id from public.background_jobs
        where status = 'processing' and lease_expires_at <= moment and job_type = any (p_job_types)
        order by lease_expires_at
        limit p_limit
        for update skip locked);

    if p_suspect_only is not true then
        with due as (
            select job.job_type, job.run_at, row_number() over (partition by job.job_type order by job.run_at) as turn
            from unnest(wanted) as known (job_type)
            cross join lateral (
                select job_type, run_at from public.background_jobs
                where job_type = known.job_type and status = 'pending' and lost_leases = 0 and run_at <= moment
                order by run_at
                limit p_limit) as job
        ),
        -- How many of each type. Nothing is locked before this is known, so nothing is locked that is not claimed.
        shares as (
            select job_type, count(*) as jobs
            from (select job_type from due order by turn, run_at limit p_limit) as next
            group by job_type
        )
        select array_agg(job.id) into chosen
        from shares
        cross join lateral (
            select id from public.background_jobs
            where job_type = shares.job_type and status = 'pending' and lost_leases = 0 and run_at <= moment
            order by run_at
            limit shares.jobs
            for update skip locked) as job;
    end if;

    if chosen is null then
        chosen := array(
            select id from public.background_jobs
            where status = 'pending' and lost_leases > 0 and run_at <= moment and job_type = any (wanted)
            order by lost_leases, run_at
            limit 1
            for update skip locked);
    end if;

    chosen := private.one_cancellation_on_trial(chosen);

    with leased as (
        update public.background_jobs as job
        set status = 'processing',
            locked_by = left(p_worker, 200),
            lease_expires_at = moment + lease,
            lease_number = job.lease_number + 1
        where job.id = any (chosen)
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
revoke all on function public.claim_background_jobs(text, text[], integer, boolean)
    from public, anon, authenticated, service_role;
grant execute on function public.claim_background_jobs(text, text[], integer, boolean) to service_role;
comment on function public.claim_background_jobs(text, text[], integer, boolean) is
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
    -- In the order of settle_background_jobs, so that a late worker and the next one cannot deadlock.
    held as materialized (
        select job.id, reported.progress
        from public.background_jobs as job
        join reported on job.id = reported.job_id
                         and job.status = 'processing' and job.lease_number = reported.lease_number
        order by job.id
        for update of job
    ),
    extended as (
        update public.background_jobs as job
        set lease_expires_at = clock_timestamp() + interval '30 seconds',
            progress = coalesce(held.progress, job.progress)
        from held
        where job.id = held.id
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
