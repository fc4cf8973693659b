-- Undoes 20261120092500_create_record_skyvern_run.sql.
drop function if exists public.record_skyvern_run(uuid, uuid, text, text);
