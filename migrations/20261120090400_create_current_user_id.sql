-- Who is calling: the `users.id` behind the verified token, or null.
--
-- `sub` is Clerk's `user_…`, or a UUID from Supabase Auth. `auth.uid()` raises on the first kind, so nothing of ours
-- calls it. Every policy does call this, as `(select public.current_user_id())`, so it must be quick and must never
-- raise, whatever the claims look like: a token that is odd belongs to nobody.
create or replace function public.current_user_id()
    returns uuid
    language plpgsql
    stable
    security definer
    set search_path = ''
as $$
declare
    subject text;
begin
    subject := nullif(pg_catalog.current_setting('request.jwt.claims', true), '')::json ->> 'sub';
    if subject is null then
        return null;
    end if;
    if subject ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then
        return (select id from public.users where id = subject::uuid);
    end if;
    return (select id from public.users where clerk_user_id = subject);
exception
    when data_exception then -- claims that are no JSON, or text that PostgreSQL cannot hold
        return null;
end
$$;
revoke all on function public.current_user_id() from public, anon, authenticated, service_role;
-- `service_role` too: it is the default of `user_id` columns, which a service's insert may leave out by mistake.
grant execute on function public.current_user_id() to authenticated, service_role;
