-- Undoes 20261128094500_reconcile_applications.sql.
drop function if exists public.record_absent_submission(uuid, uuid, jsonb);
drop function if exists public.record_overdue_skyvern_run(uuid, text, jsonb);
drop function if exists public.record_lost_skyvern_run(uuid, text, jsonb);
drop function if exists public.note_ongoing_skyvern_run(uuid, text);
drop function if exists public.application_to_reconcile(uuid, uuid);
