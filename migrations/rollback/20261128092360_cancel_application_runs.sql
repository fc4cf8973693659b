-- Undoes 20261128092360_cancel_application_runs.sql. What is queued already is cancelled all the same.
drop function if exists public.record_stopped_run(uuid, text);
drop trigger if exists on_application_erased_cancel_runs on public.applications;
drop trigger if exists on_application_deleted_cancel_runs on public.applications;
drop trigger if exists on_application_withdrawn_cancel_runs on public.applications;
drop function if exists private.cancel_runs_of_stopped_application();
drop function if exists private.cancel_unwanted_runs(uuid);
drop function if exists private.cancel_application_runs(uuid, uuid);
drop function if exists private.is_decision_against_run(public.application_status_type);
drop function if exists private.needs_no_run(public.application_status_type);
