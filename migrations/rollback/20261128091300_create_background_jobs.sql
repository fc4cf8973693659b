-- Undoes 20261128091300_create_background_jobs.sql. Jobs that wait in the queue are lost.
drop table if exists public.background_jobs;
drop function if exists private.end_lease_of_cancelled_job();
drop function if exists private.limit_queued_jobs();
drop type if exists public.job_status;
