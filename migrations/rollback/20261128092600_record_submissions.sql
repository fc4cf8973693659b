-- Undoes 20261128092600_record_submissions.sql.
drop function if exists public.record_submission_failure(uuid, uuid, text, text, jsonb, integer, text, integer);
drop function if exists public.record_skyvern_run(uuid, uuid, text, text, text);
