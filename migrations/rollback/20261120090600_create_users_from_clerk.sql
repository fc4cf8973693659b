-- Undoes 20261120090600_create_users_from_clerk.sql: new accounts get no profile any more. Those there are stay.
drop trigger if exists on_auth_user_email_changed on auth.users;
drop trigger if exists on_auth_user_created_from_clerk on auth.users;
drop function if exists public.handle_user_email_changed();
drop function if exists public.handle_new_user_from_clerk();
drop function if exists private.create_profile(auth.users);
