-- Undoes 20261128093700_count_job_clicks.sql. The counts stay; who counted today is forgotten.
drop function if exists public.count_job_click(uuid);
drop table if exists private.job_clicks;
