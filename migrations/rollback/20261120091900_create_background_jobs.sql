-- Undoes 20261120091900_create_background_jobs.sql. Work that waits in the queue is lost.
drop table if exists public.background_jobs;
drop type if exists public.job_status;
