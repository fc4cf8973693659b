-- Undoes 20261120091200_create_saved_jobs.sql.
drop table if exists public.saved_jobs;
