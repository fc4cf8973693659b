-- Undoes 20261128092500_attach_skyvern_runs.sql.
drop trigger if exists on_application_skyvern_run_written on public.applications;
drop function if exists private.note_news_of_skyvern_run();
drop function if exists private.attach_skyvern_run(uuid, text, text);
drop function if exists private.is_final_skyvern_status(text);
drop function if exists private.lock_skyvern_run(text);
