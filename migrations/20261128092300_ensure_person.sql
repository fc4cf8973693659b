-- Creates the profile of a person whose webhook has not come yet, from their own session token. Everything is taken
-- from the claims that PostgREST has verified and nothing from arguments, so nobody can name another address or another
-- account. The webhook follows and is newer than anything a token says.
create or replace function public.ensure_person()
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    claims  json;
    subject text;
    address text;
    account uuid;
begin
    begin
        claims := nullif(current_setting('request.jwt.claims', true), '')::json;
        subject := private.token_subject();
        -- An address makes somebody known unless it is said not to be verified.
        if json_typeof(claims -> 'email') = 'string' and coalesce(claims ->> 'email_verified', 'true') = 'true' then
            address := private.plain_email(claims ->> 'email');
        end if;
    exception
        when data_exception then -- text that PostgreSQL cannot store
            subject := null;
    end;

    account := public.current_user_id();
    if account is null and subject ~ '^user_[!-~]{1,250}$' then
        perform private.lock_clerk_account(subject);
        if exists (select from private.clerk_accounts where clerk_user_id = subject and deleted_at is not null) then
            perform private.refuse('account_deleted', 403, 'this account has been deleted');
        end if;
        -- The webhook, or another call, may have been faster.
        select id into account from public.users where clerk_user_id = subject;
        if account is null and address is not null then
            -- It is theirs only if it is said to be verified. Otherwise the webhook brings it.
            account := private.put_clerk_account(
                subject, case when claims ->> 'email_verified' = 'true' then address end, null, null, 0);
        end if;
    end if;
    if account is null then
        perform private.refuse('profile_pending', 403, 'the profile of this account has not been made yet');
    end if;
    return jsonb_build_object('user_id', account);
end
$$;
revoke all on function public.ensure_person() from public, anon, authenticated, service_role;
grant execute on function public.ensure_person() to authenticated;
comment on function public.ensure_person() is
    'Creates the caller''s profile from their session token if the webhook has not come yet. '
    'Definer: it writes auth.users and the schema private. '
    'Bounds: it takes no arguments: everything is from the claims that PostgREST has verified, and only a verified '
    'address is taken.';
