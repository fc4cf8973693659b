-- Undoes 20261120090400_create_current_user_id.sql.
drop function if exists public.current_user_id();
