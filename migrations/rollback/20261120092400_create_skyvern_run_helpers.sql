-- Undoes 20261120092400_create_skyvern_run_helpers.sql.
drop function if exists private.apply_waiting_skyvern_events(uuid, text);
drop function if exists private.apply_skyvern_run_event(public.applications, text, integer, boolean, jsonb, text);
drop function if exists private.name_the_job(text, public.applications);
drop function if exists private.attach_skyvern_run(uuid, text, text);
drop function if exists private.lock_skyvern_run(text);
