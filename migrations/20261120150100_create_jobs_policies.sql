-- Everybody who is signed in sees the active postings; a provider also sees and changes those that are their own.
create or replace function private.is_provider()
    returns boolean
    language sql
    stable
    security definer
    set search_path = ''
as $$
    select exists (select from public.users where id = public.current_user_id() and role = 'provider')
$$;
revoke all on function private.is_provider() from public, anon, authenticated, service_role;
grant execute on function private.is_provider() to authenticated;

drop policy if exists jobs_select_active on public.jobs;
create policy jobs_select_active on public.jobs for select to authenticated
    using (is_active and status = 'active' and (select public.current_user_id()) is not null);

drop policy if exists jobs_select_own on public.jobs;
create policy jobs_select_own on public.jobs for select to authenticated
    using (provider_id = (select public.current_user_id()));

drop policy if exists jobs_insert_own on public.jobs;
create policy jobs_insert_own on public.jobs for insert to authenticated
    with check (provider_id = (select public.current_user_id()) and (select private.is_provider()));

drop policy if exists jobs_update_own on public.jobs;
create policy jobs_update_own on public.jobs for update to authenticated
    using (provider_id = (select public.current_user_id()) and (select private.is_provider()))
    with check (provider_id = (select public.current_user_id()) and (select private.is_provider()));

drop policy if exists jobs_delete_own on public.jobs;
create policy jobs_delete_own on public.jobs for delete to authenticated
    using (provider_id = (select public.current_user_id()) and (select private.is_provider()));
