-- Putting jobs into the queue, and taking back those that are not to run after all.

-- Queues many jobs at once. `p_jobs`: [{job_type, payload, user_id, run_at, max_attempts, dedupe_key}], of which the
-- first two are required. A job whose `dedupe_key` was used before is not queued again, whatever became of the first
-- one. Returns one {id, outcome} for each, in the same order; outcome is queued or already_queued.
create or replace function public.enqueue_background_jobs(p_jobs jsonb)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    outcomes jsonb;
begin
    with asked as (
        select listed.place, gen_random_uuid() as id, job.*
        from jsonb_array_elements(p_jobs) with ordinality as listed (job, place)
        cross join lateral jsonb_to_record(listed.job) as job (
            job_type text, payload jsonb, user_id uuid, run_at timestamptz, max_attempts integer, dedupe_key text)
    ),
    queued as (
        insert into public.background_jobs (id, user_id, job_type, payload, run_at, max_attempts, dedupe_key)
        select id, user_id, job_type, coalesce(payload, '{}'), coalesce(run_at, clock_timestamp()),
               coalesce(max_attempts, 5), dedupe_key
        from asked
        -- Always in the same order, so that two callers with the same keys cannot deadlock.
        order by dedupe_key
        on conflict (dedupe_key) do nothing
        returning id, dedupe_key
    )
    select jsonb_agg(jsonb_build_object(
               'id', coalesce(mine.id, same.id, earlier.id),
               'outcome', case when mine.id is null then 'already_queued' else 'queued' end) order by asked.place)
    into outcomes
    from asked
    left join queued as mine on mine.id = asked.id
    left join queued as same on same.dedupe_key = asked.dedupe_key -- twice in this call
    left join public.background_jobs as earlier on earlier.dedupe_key = asked.dedupe_key;
    return coalesce(outcomes, '[]');
end
$$;
revoke all on function public.enqueue_background_jobs(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.enqueue_background_jobs(jsonb) to service_role;
comment on function public.enqueue_background_jobs(jsonb) is
    'Queues many background jobs at once. '
    'Definer: so that it does not depend on what service_role is granted on the tables. '
    'Bounds: the checks of background_jobs apply, of which none limits a payload, since only the service calls it; a '
    'dedupe key is queued once.';

-- Cancels those of these jobs that are not finished, and returns their ids. Runs with the rights of the caller, so that
-- the policies decide which jobs a person can cancel.
create or replace function public.cancel_background_jobs(p_job_ids uuid[])
    returns jsonb
    language sql
    set search_path = ''
as $$
    with cancelled as (
        update public.background_jobs
        set status = 'failed', error = 'cancelled'
        -- In the order of settle_background_jobs, so that the two cannot deadlock.
        where id in (select id from public.background_jobs
                     where id = any (p_job_ids) and status in ('pending', 'processing')
                     order by id
                     for update)
        returning id
    )
    select coalesce(jsonb_agg(id), '[]') from cancelled
$$;
revoke all on function public.cancel_background_jobs(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.cancel_background_jobs(uuid[]) to authenticated, service_role;
