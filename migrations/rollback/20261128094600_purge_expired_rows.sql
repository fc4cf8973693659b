-- Undoes 20261128094600_purge_expired_rows.sql. Periods that somebody has changed are forgotten.
drop function if exists public.purge_expired_rows(integer, jsonb);
drop function if exists private.purge_resting_searches(timestamptz, integer);
drop function if exists private.purge_rows(regclass, name, text, text, timestamptz, timestamptz, integer);
drop function if exists public.queue_daily_purge();
drop table if exists private.retention_periods;
