-- Undoes 20261120170700_create_record_skyvern_losses.sql.
drop function if exists public.record_absent_submission(uuid, uuid, jsonb);
drop function if exists public.record_lost_skyvern_run(uuid, text, jsonb);
