-- Undoes 20261120170000_add_skyvern_heard_at.sql.
drop index if exists public.idx_applications_submission_lease_expires_at;
drop index if exists public.idx_applications_skyvern_heard_at;
drop trigger if exists on_application_skyvern_run_written on public.applications;
drop function if exists private.note_news_of_skyvern_run();
alter table public.applications drop column if exists skyvern_heard_at;
