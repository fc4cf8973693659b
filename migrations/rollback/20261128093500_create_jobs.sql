-- Undoes 20261128093500_create_jobs.sql. The postings are lost; the sync brings those of its sources back.
drop table if exists public.jobs;
drop function if exists private.is_provider();
drop type if exists public.h1b_sponsor_status;
