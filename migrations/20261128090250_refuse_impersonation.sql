-- Support may look at an account through Clerk's impersonation. The token is then the person's own, with the claim `act`
-- naming the operator. What spends money or acts towards an employer takes the person themselves.

-- Refuses with 403 `impersonation_refused` when the request's token was made for impersonation. It must not raise
-- anything else, whatever the claims look like; whose they are is for public.current_user_id() to say.
create or replace function private.refuse_impersonation()
    returns void
    language plpgsql
    stable
    set search_path = ''
as $$
declare
    actor jsonb;
begin
    begin
        actor := nullif(pg_catalog.current_setting('request.jwt.claims', true), '')::jsonb -> 'act';
    exception
        when data_exception then -- claims that are not JSON
            return;
    end;
    if actor <> 'null' then
        perform private.refuse('impersonation_refused', 403, 'only the person themselves may do this');
    end if;
end
$$;
revoke all on function private.refuse_impersonation() from public, anon, authenticated, service_role;
-- For functions that run with the person's own rights.
grant execute on function private.refuse_impersonation() to authenticated;
