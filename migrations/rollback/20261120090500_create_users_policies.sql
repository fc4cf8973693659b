-- Undoes 20261120090500_create_users_policies.sql: row level security stays on, so nobody sees a row.
drop policy if exists users_update_own on public.users;
drop policy if exists users_select_own on public.users;
