-- Undoes 20261120140200_create_claim_background_jobs.sql.
drop function if exists public.claim_background_jobs(text, text[], integer);
