-- Undoes 20261120150200_create_match_jobs.sql.
drop function if exists public.match_jobs(extensions.vector, integer);
