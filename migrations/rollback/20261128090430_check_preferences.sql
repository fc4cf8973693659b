-- Undoes 20261128090430_check_preferences.sql.
drop trigger if exists on_user_preferences_written_check on public.user_preferences;
drop function if exists private.check_preferences();
drop function if exists private.fault_of_location(jsonb);
