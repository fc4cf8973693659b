-- Every account in `auth.users` gets a profile. The addresses of Supabase Auth's own people are followed; those of
-- Clerk's people are in the profile alone (20261128092100_put_clerk_account.sql).
--
-- The Clerk id comes from `raw_app_meta_data`, which only servers write. `raw_user_meta_data` is the person's own to
-- write: an id taken from there would let anybody claim somebody else's account. A name may come from there.
--
-- An address that nobody has confirmed is nobody's: a sign-up may name any address, and would keep its owner from
-- having it. Beside a Clerk id it is a server that says it, which knows.
--
-- An exception in these triggers would block the sign-up itself, so a conflict is resolved and never raised: whoever
-- holds a Clerk id or an address keeps it, and the newcomer is known by the auth id and without the address.
create or replace function private.address_of_account(p_account auth.users)
    returns text
    language sql
    immutable
    set search_path = ''
as $$
    select nullif(p_account.email, '')
    where p_account.email_confirmed_at is not null or p_account.raw_app_meta_data ->> 'clerk_id' <> ''
$$;
revoke all on function private.address_of_account(auth.users) from public, anon, authenticated, service_role;

create or replace function private.create_profile(p_account auth.users)
    returns void
    language plpgsql
    set search_path = ''
as $$
declare
    clerk_id text := nullif(p_account.raw_app_meta_data ->> 'clerk_id', '');
    address  text := private.address_of_account(p_account);
begin
    if clerk_id is null or exists (select from public.users where clerk_user_id = clerk_id) then
        clerk_id := p_account.id::text;
    end if;
    if exists (select from public.users where email = address) then
        address := null;
    end if;

    insert into public.users (id, clerk_user_id, email, full_name)
    values (p_account.id, clerk_id, address, left(nullif(p_account.raw_user_meta_data ->> 'full_name', ''), 200))
    on conflict (id) do nothing;
exception
    -- Two sign-ups at once with the same Clerk id or address, or a value that the table does not take.
    when integrity_constraint_violation then
        insert into public.users (id, clerk_user_id) values (p_account.id, p_account.id::text)
        on conflict do nothing;
end
$$;
revoke all on function private.create_profile(auth.users) from public, anon, authenticated, service_role;

create or replace function public.handle_new_user_from_clerk()
    returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    perform private.create_profile(new);
    return null;
exception
    when others then
        raise warning 'no profile was made for a new account (SQLSTATE %)', sqlstate;
        return null;
end
$$;
revoke all on function public.handle_new_user_from_clerk() from public, anon, authenticated, service_role;
comment on function public.handle_new_user_from_clerk() is
    'Gives every new account its profile. '
    'Definer: it runs for Supabase Auth, which has no rights on public.users. '
    'Bounds: a trigger function, which nobody can call: it sees only the row of auth.users that is being inserted.';

create or replace function public.handle_user_email_changed()
    returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    -- Not of an account of Clerk's, whose row has no address.
    update public.users set email = private.address_of_account(new)
    where id = new.id and clerk_user_id is distinct from new.raw_app_meta_data ->> 'clerk_id';
    return null;
exception
    when integrity_constraint_violation then
        -- Another profile has the address. The old one is out of date, so this profile has none.
        update public.users set email = null where id = new.id;
        return null;
end
$$;
revoke all on function public.handle_user_email_changed() from public, anon, authenticated, service_role;
comment on function public.handle_user_email_changed() is
    'Follows an e-mail address of Supabase Auth that was changed or confirmed into the profile. '
    'Definer: it runs for Supabase Auth, which has no rights on public.users. '
    'Bounds: a trigger function, which nobody can call: it changes only the profile of the changed account.';

create or replace trigger on_auth_user_created_from_clerk
    after insert on auth.users
    for each row execute function public.handle_new_user_from_clerk();

create or replace trigger on_auth_user_email_changed
    after update of email, email_confirmed_at on auth.users
    for each row when ((new.email, new.email_confirmed_at) is distinct from (old.email, old.email_confirmed_at))
    execute function public.handle_user_email_changed();

-- Accounts that already existed when the trigger was created.
select private.create_profile(account)
from auth.users as account
where not exists (select from public.users where users.id = account.id)
order by created_at, id;

-- And addresses that nobody has confirmed.
update public.users as profile
set email = null
from auth.users as account
where account.id = profile.id and profile.email = account.email and private.address_of_account(account) is null;
