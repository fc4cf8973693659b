-- Undoes 20261128093800_create_cron_locks.sql. Scheduled work is no longer kept from overlapping.
drop function if exists public.release_cron_lock(text, bigint);
drop function if exists public.extend_cron_lock(text, bigint, integer);
drop function if exists private.hold_cron_lock(text, bigint, integer);
drop function if exists public.take_cron_lock(text, text, integer);
drop table if exists public.cron_locks;
drop sequence if exists private.cron_lock_numbers;
