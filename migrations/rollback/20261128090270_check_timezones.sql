-- Undoes 20261128090270_check_timezones.sql.
drop trigger if exists on_users_updated_check_timezone on public.users;
drop trigger if exists on_users_inserted_check_timezone on public.users;
drop function if exists private.check_timezone();
