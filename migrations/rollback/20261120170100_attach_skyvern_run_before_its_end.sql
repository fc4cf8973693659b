-- Undoes 20261120170100_attach_skyvern_run_before_its_end.sql: the status is written down whatever it is.
create or replace function private.attach_skyvern_run(p_application_id uuid, p_run_id text, p_run_status text)
    returns void
    language sql
    set search_path = ''
as $$
    update public.applications
    set skyvern_task_id = p_run_id,
        skyvern_run_status = p_run_status,
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

drop function if exists private.is_final_skyvern_status(text);
