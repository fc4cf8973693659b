-- A person sees and edits their own profile and nobody else's.
drop policy if exists users_select_own on public.users;
create policy users_select_own on public.users for select to authenticated
    using (id = (select public.current_user_id()));

drop policy if exists users_update_own on public.users;
create policy users_update_own on public.users for update to authenticated
    using (id = (select public.current_user_id()))
    with check (id = (select public.current_user_id()));
