-- Called at every tick of the job runner: queues a look at Skyvern for each application whose run has been silent for
-- too long or is past its deadline, and for each submission of which nobody knows whether it started a run. Also cancels
-- runs past their deadline that no application waits for any more. Returns how many jobs were queued.
create or replace function public.queue_due_reconciliations()
    returns integer
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    silence constant interval := '15 minutes';
    at_most constant integer := 500;
    -- Counted from the epoch. A silent run is looked for once in each.
    quarter constant bigint := floor(extract(epoch from now()) / extract(epoch from silence));
    queued  integer;
begin
    with due as (
        select id as application_id, skyvern_heard_at as since,
               format('reconcile_application:%s:%s', id, quarter) as key
        from public.applications
        where status = 'PROCESSING_BY_SKYVERN' and skyvern_task_id is not null and skyvern_heard_at <= now() - silence
        union all
        -- The key names the submission: the next one of the same application need not wait for the next quarter.
        select id, submission_lease_expires_at, format('reconcile_application:%s:%s', submission_id, quarter)
        from public.applications
        where submission_id is not null and submission_lease_expires_at <= now()
        union all
        -- A key of its own: it may have been looked for in this quarter already, when it was not overdue yet.
        select application.id, run.started_at, format('reconcile_application:%s:overdue:%s', run.run_id, quarter)
        from private.application_runs as run
        join public.applications as application
            on application.id = run.application_id and application.skyvern_task_id = run.run_id
        where run.ended_at is null and run.started_at <= now() - private.application_run_deadline()
          and application.status = 'PROCESSING_BY_SKYVERN'
    ),
    oldest as (
        select * from due
        -- Before the limit applies, or the same ones would take up all places again and again.
        where not exists (select from public.background_jobs where dedupe_key = due.key)
        order by since
        limit at_most
    )
    insert into public.background_jobs (job_type, payload, dedupe_key)
    select 'reconcile_application', jsonb_build_object('application_id', application_id), key
    from oldest
    order by key -- always in the same order, so that two ticks at once cannot deadlock
    on conflict (dedupe_key) do nothing;
    get diagnostics queued = row_count;

    -- Its person has an interview, say: no run is stopped for that, and nobody waits for its end any more. Past the
    -- deadline it is, and the cancellation finds out what became of it.
    with abandoned as (
        select run.application_id, run.submission_id
        from private.application_runs as run
        join public.applications as application on application.id = run.application_id
        where run.ended_at is null and run.run_id is not null
          and run.started_at <= now() - private.application_run_deadline()
          and (application.status <> 'PROCESSING_BY_SKYVERN' or application.skyvern_task_id <> run.run_id)
          and not exists (select from public.background_jobs
                          where dedupe_key = 'cancel_skyvern_run:' || run.run_id)
        order by run.started_at
        limit at_most
    )
    select queued + count(*) into queued
    from abandoned
    cross join lateral private.cancel_application_runs(abandoned.application_id, abandoned.submission_id);
    return queued;
end
$$;
revoke all on function public.queue_due_reconciliations() from public, anon, authenticated, service_role;
grant execute on function public.queue_due_reconciliations() to service_role;
comment on function public.queue_due_reconciliations() is
    'Queues a look at Skyvern for every application that needs one. '
    'Definer: so that it does not depend on what service_role is granted on the tables. '
    'Bounds: it takes no arguments; 500 applications at most, each once in a quarter of an hour.';
