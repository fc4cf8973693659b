-- A run that is found late may have ended already. How it ended is in its event, which is applied after the run is
-- attached and would be out of order if the end were written down here; so a final status counts as nothing known yet.

-- True for a status after which Skyvern does no more.
create or replace function private.is_final_skyvern_status(p_run_status text)
    returns boolean
    language sql
    immutable
    set search_path = ''
as $$
    select p_run_status in ('completed', 'failed', 'terminated', 'timed_out', 'canceled')
$$;
revoke all on function private.is_final_skyvern_status(text) from public, anon, authenticated, service_role;

create or replace function private.attach_skyvern_run(p_application_id uuid, p_run_id text, p_run_status text)
    returns void
    language sql
    set search_path = ''
as $$
    update public.applications
    set skyvern_task_id = p_run_id,
        skyvern_run_status = case when not private.is_final_skyvern_status(p_run_status) then p_run_status end,
        skyvern_run_attempt = 1,
        skyvern_run_retry_pending = false,
        status = case when private.is_decision_of_person(status) then status else 'PROCESSING_BY_SKYVERN' end,
        status_details = case when private.is_decision_of_person(status) then status_details end,
        resume_url_used = coalesce(submission_resume_path, resume_url_used),
        submission_id = null,
        submission_title = null,
        submission_started_at = null,
        submission_lease_expires_at = null,
        submission_outcome = null,
        submission_resume_path = null,
        submission_previous_status = null
    where id = p_application_id
$$;
revoke all on function private.attach_skyvern_run(uuid, text, text) from public, anon, authenticated, service_role;
