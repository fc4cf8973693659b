-- Undoes 20261128092050_close_mirrored_accounts.sql for rows that come. Those that are closed stay closed.
drop trigger if exists on_auth_user_mirrored_created on auth.users;
drop trigger if exists on_auth_user_mirrored_updated on auth.users;
drop function if exists private.close_new_mirrored_account();
drop function if exists private.close_mirrored_account();
