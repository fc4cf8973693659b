-- Undoes 20261128094600_purge_expired_rows.sql.
drop function if exists public.purge_expired_rows(integer);
drop function if exists public.queue_daily_purge();
