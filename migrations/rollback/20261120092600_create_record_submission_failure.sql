-- Undoes 20261120092600_create_record_submission_failure.sql.
drop function if exists public.record_submission_failure(uuid, uuid, text, text, jsonb);
