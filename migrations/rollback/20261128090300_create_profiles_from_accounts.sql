-- Undoes 20261128090300_create_profiles_from_accounts.sql: new accounts get no profile. Those there are stay.
drop trigger if exists on_auth_user_email_changed on auth.users;
drop trigger if exists on_auth_user_created_from_clerk on auth.users;
drop function if exists public.handle_user_email_changed();
drop function if exists public.handle_new_user_from_clerk();
drop function if exists private.create_profile(auth.users);
drop function if exists private.address_of_account(auth.users);
