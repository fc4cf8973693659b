-- Undoes 20261128091150_limit_rows_per_person.sql.
drop trigger if exists on_saved_searches_inserted_limit_rows on public.saved_searches;
drop trigger if exists on_saved_jobs_inserted_limit_rows on public.saved_jobs;
drop trigger if exists on_resumes_inserted_limit_rows on public.resumes;
drop trigger if exists on_applications_inserted_limit_rows on public.applications;
drop function if exists private.limit_rows_per_person();
drop function if exists private.lock_rows_of_people(text, text[]);
drop table if exists private.row_limits;
