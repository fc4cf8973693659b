-- Undoes 20261120150000_create_jobs.sql. The postings are lost; those of sources come back with the next sync.
drop table if exists public.jobs;
drop function if exists private.handle_job_description();
drop type if exists public.h1b_sponsor_status;
