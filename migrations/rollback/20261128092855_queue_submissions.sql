-- Undoes 20261128092855_queue_submissions.sql. Submissions that wait stay PENDING_SKYVERN_SUBMISSION, and their people
-- submit them again.
drop function if exists public.fail_queued_application(uuid, uuid, jsonb);
drop function if exists public.claim_queued_application(uuid, uuid);
drop trigger if exists on_application_changed_end_waiting_submission on public.applications;
drop function if exists private.end_waiting_submission();
drop function if exists private.queue_submission(public.applications, integer);
