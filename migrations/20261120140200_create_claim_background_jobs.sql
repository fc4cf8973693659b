-- Hands out work: up to `p_limit` due jobs of the types that the worker knows, oldest first, each leased for half a
-- minute under a new number. Several workers at once get different jobs and never wait for each other. Only the
-- database's clock counts, so a worker's may be wrong.
--
-- A job whose lease ran out is due again, and the lost attempt counts: a job that kills its worker must come to an end.
-- It is handed out alone from then on, so that it does not use up the attempts of the jobs around it.
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
        where status = 'pending' and run_at <= moment and job_type = any (p_job_types)
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
