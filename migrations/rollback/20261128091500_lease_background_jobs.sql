-- Undoes 20261128091500_lease_background_jobs.sql.
drop function if exists private.hold_background_job(uuid, bigint);
drop function if exists public.extend_background_jobs(jsonb);
drop function if exists public.claim_background_jobs(text, text[], integer, boolean);
