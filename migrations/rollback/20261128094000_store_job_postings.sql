-- Undoes 20261128094000_store_job_postings.sql.
drop function if exists public.store_job_postings(bigint, integer, jsonb, integer, integer);
