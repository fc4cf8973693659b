-- Undoes 20261128090800_create_saved_jobs.sql.
drop table if exists public.saved_jobs;
