-- Undoes 20261120090300_create_users.sql. Every profile is lost; the accounts in `auth.users` stay.
drop table if exists public.users;
drop type if exists public.user_role;
drop type if exists public.user_tier;
