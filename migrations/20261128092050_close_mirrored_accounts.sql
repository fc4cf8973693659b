-- Clerk's people sign in at Clerk and nowhere else. Their rows in `auth.users` are there for the foreign keys of other
-- tables. With an address, such a row would be a second way in: whoever reads a mailbox, or had one in the past, could
-- have a link sent by Supabase Auth and be that person. So the row carries no address, no number, no password and no
-- token, and it is banned for good, whoever writes it.

-- The row of an account whose profile has the Clerk id that stands in it. A row that names the id of another profile is
-- an account of Supabase Auth's own, and is left as it is.
create or replace function private.close_mirrored_account()
    returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    if not exists (select from public.users
                   where id = new.id and clerk_user_id = new.raw_app_meta_data ->> 'clerk_id') then
        return new;
    end if;
    new.email := null;
    new.email_confirmed_at := null;
    new.phone := null;
    new.phone_confirmed_at := null;
    new.encrypted_password := null;
    -- Empty texts, because the Auth server cannot read null in these columns.
    new.confirmation_token := '';
    new.recovery_token := '';
    new.reauthentication_token := '';
    new.email_change := '';
    new.email_change_token_new := '';
    new.email_change_token_current := '';
    new.phone_change := '';
    new.phone_change_token := '';
    -- A date, because the Auth server cannot read `infinity`; nor can it write a year of five digits.
    new.banned_until := '9999-01-01 00:00:00+00';
    return new;
end
$$;
revoke all on function private.close_mirrored_account() from public, anon, authenticated, service_role;
comment on function private.close_mirrored_account() is
    'Keeps the account of a person of Clerk''s closed to Supabase Auth. '
    'Definer: it runs for Supabase Auth, which has no rights on public.users. '
    'Bounds: a trigger function, which nobody can call: it changes only the row of auth.users that is being updated.';

create or replace trigger on_auth_user_mirrored_updated
    before update on auth.users
    for each row when (new.raw_app_meta_data ->> 'clerk_id' <> '')
    execute function private.close_mirrored_account();

-- A new row is closed once its profile is made, which takes the address from it: the triggers of an insertion fire in
-- the order of their names. Not quietly, as the profile is made: a row that cannot be closed must not be.
create or replace function private.close_new_mirrored_account()
    returns trigger
    language plpgsql
    set search_path = ''
as $$
begin
    update auth.users set updated_at = updated_at where id = new.id; -- the trigger above does the rest
    return null;
end
$$;
revoke all on function private.close_new_mirrored_account() from public, anon, authenticated, service_role;

create or replace trigger on_auth_user_mirrored_created
    after insert on auth.users
    for each row when (new.raw_app_meta_data ->> 'clerk_id' <> '')
    execute function private.close_new_mirrored_account();

-- What was there before. An address that only a token has named was confirmed by nobody, and is nobody's.
update public.users as profile
set email = null
from auth.users as account, private.clerk_accounts as known
where account.id = profile.id and account.email = profile.email and account.email_confirmed_at is null
  and known.clerk_user_id = profile.clerk_user_id and known.updated_at = 0;

-- The number that Clerk named is remembered, so that the profile goes on following it.
update auth.users as account
set raw_user_meta_data = case when jsonb_typeof(account.raw_user_meta_data) = 'object'
                              then account.raw_user_meta_data else '{}' end
                         || jsonb_strip_nulls(jsonb_build_object('phone_number', '+' || account.phone))
from public.users as profile
where profile.id = account.id and profile.clerk_user_id = account.raw_app_meta_data ->> 'clerk_id'
  and (account.email is not null or account.phone is not null or account.banned_until is null);
