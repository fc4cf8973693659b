-- What a person stops, stops: whatever ends the wish for an application cancels its runs at Skyvern, in the same
-- transaction. Skyvern is called by a background job, since a database cannot call anybody.

-- True where a run has nothing left to do: what a person decided, and what was sent. No submission and no run changes
-- such a status.
create or replace function private.needs_no_run(p_status public.application_status_type)
    returns boolean
    language sql
    immutable
    set search_path = ''
as $$
    select private.is_decision_of_person(p_status) or p_status = 'SUBMITTED_BY_SKYVERN'
$$;
revoke all on function private.needs_no_run(public.application_status_type)
    from public, anon, authenticated, service_role;

-- True for a decision against being sent. Whoever has an interview may have applied twice, but stops nothing.
create or replace function private.is_decision_against_run(p_status public.application_status_type)
    returns boolean
    language sql
    immutable
    set search_path = ''
as $$
    select p_status in ('WITHDRAWN_BY_USER', 'APPLIED_MANUALLY')
$$;
revoke all on function private.is_decision_against_run(public.application_status_type)
    from public, anon, authenticated, service_role;
-- The condition of a trigger is evaluated with the rights of whoever writes.
grant execute on function private.is_decision_against_run(public.application_status_type)
    to authenticated, service_role;

-- Queues the cancellation of what is in progress of an application: runs, and submissions that may start one. With
-- `p_submission_id` only of this submission. The jobs are nobody's, since a person's jobs are deleted with them. A
-- submission and the run that it turns out to have started have a job each: the first may have been done by then.
create or replace function private.cancel_application_runs(p_application_id uuid, p_submission_id uuid default null)
    returns void
    language sql
    set search_path = ''
as $$
    insert into public.background_jobs (user_id, job_type, max_attempts, payload, dedupe_key)
    select null, 'cancel_skyvern_run',
           -- An outage of Skyvern must not let a run go on. With an hour between the later attempts, this is more than
           -- three days.
           80,
           jsonb_build_object(
               'application_id', application_id, 'submission_id', submission_id, 'run_id', run_id,
               'submission_title', case when run_id is null then 'jobraker-' || submission_id end),
           'cancel_skyvern_run:' || coalesce(run_id, submission_id::text)
    from private.application_runs
    where application_id = p_application_id and ended_at is null
      and (p_submission_id is null or submission_id = p_submission_id)
    order by submission_id -- always in the same order, so that two callers cannot deadlock
    on conflict (dedupe_key) do nothing
$$;
revoke all on function private.cancel_application_runs(uuid, uuid) from public, anon, authenticated, service_role;

-- Called whenever a run was recorded: the application may not want it any more.
create or replace function private.cancel_unwanted_runs(p_application_id uuid)
    returns void
    language plpgsql
    set search_path = ''
as $$
begin
    if exists (select from public.applications
               where id = p_application_id
                 and (deleted_at is not null or status = 'SUBMITTED_BY_SKYVERN'
                      or private.is_decision_against_run(status))) then
        perform private.cancel_application_runs(p_application_id);
    end if;
end
$$;
revoke all on function private.cancel_unwanted_runs(uuid) from public, anon, authenticated, service_role;

create or replace function private.cancel_runs_of_stopped_application()
    returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    if tg_op = 'DELETE' then
        perform private.cancel_application_runs(old.id);
        return old;
    end if;
    perform private.cancel_application_runs(new.id);
    return null;
end
$$;
revoke all on function private.cancel_runs_of_stopped_application() from public, anon, authenticated, service_role;
comment on function private.cancel_runs_of_stopped_application() is
    'Queues the cancellation of the runs of an application that is withdrawn or deleted. '
    'Definer: a person who withdraws an application may neither see the runs nor queue such a job. '
    'Bounds: a trigger function, which nobody can call: it cancels only runs of the row that is being changed.';

create or replace trigger on_application_withdrawn_cancel_runs
    after update of status on public.applications
    for each row when (new.status is distinct from old.status and private.is_decision_against_run(new.status))
    execute function private.cancel_runs_of_stopped_application();

create or replace trigger on_application_deleted_cancel_runs
    after update of deleted_at on public.applications
    for each row when (old.deleted_at is null and new.deleted_at is not null)
    execute function private.cancel_runs_of_stopped_application();

-- Before: afterwards the ledger does not say any more whose the runs were.
create or replace trigger on_application_erased_cancel_runs
    before delete on public.applications
    for each row execute function private.cancel_runs_of_stopped_application();

-- The job found out that there is nothing left to cancel. `p_run_id` is the run that the submission turned out to have
-- started, null if it started none. Returns whether there is such a submission. A repeated call changes nothing.
create or replace function public.record_stopped_run(p_submission_id uuid, p_run_id text)
    returns boolean
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    if p_run_id is not null then
        perform private.lock_skyvern_run(p_run_id);
    end if;
    update private.application_runs as run
    set run_id = coalesce(run.run_id, case when not exists (
                     select from private.application_runs as other where other.run_id = p_run_id) then p_run_id end),
        ended_at = coalesce(run.ended_at, clock_timestamp())
    where run.submission_id = p_submission_id;
    return found;
end
$$;
revoke all on function public.record_stopped_run(uuid, text) from public, anon, authenticated, service_role;
grant execute on function public.record_stopped_run(uuid, text) to service_role;
comment on function public.record_stopped_run(uuid, text) is
    'Notes that a submission has no run in progress any more. '
    'Definer: it writes the schema private, which service_role cannot reach. '
    'Bounds: only the submission that is named, and a run that is recorded stays what it is.';
