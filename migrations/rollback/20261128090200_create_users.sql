-- Undoes 20261128090200_create_users.sql. Every profile is lost; the accounts in `auth.users` stay.
drop policy if exists users_update_own on public.users;
drop policy if exists users_select_own on public.users;
drop function if exists public.current_user_id();
drop table if exists public.users;
drop type if exists public.user_role;
drop type if exists public.user_tier;
