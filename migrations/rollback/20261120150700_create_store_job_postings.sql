-- Undoes 20261120150700_create_store_job_postings.sql.
drop function if exists public.store_job_postings(bigint, integer, jsonb, integer, integer);
