-- Undoes 20261120150300_create_count_job_click.sql. The counts stay; who counted today is forgotten.
drop function if exists public.count_job_click(uuid);
drop table if exists private.job_clicks;
