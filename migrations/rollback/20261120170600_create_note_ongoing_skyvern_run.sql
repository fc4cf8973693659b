-- Undoes 20261120170600_create_note_ongoing_skyvern_run.sql.
drop function if exists public.note_ongoing_skyvern_run(uuid, text);
