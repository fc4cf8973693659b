-- Brings `auth.users` and `public.users` into line with what is known of a Clerk account.

-- An address as Supabase Auth writes it, in lower case; null for what is not an address.
create or replace function private.plain_email(p_text text)
    returns text
    language sql
    immutable
    set search_path = ''
as $$
    select case when char_length(p_text) between 3 and 255 and p_text ~ '^[^[:space:]@]+@[^[:space:]@]+$'
                then lower(p_text) end
$$;
revoke all on function private.plain_email(text) from public, anon, authenticated, service_role;

-- A phone number in E.164; null for what is not a number.
create or replace function private.plain_phone(p_text text)
    returns text
    language sql
    immutable
    set search_path = ''
as $$
    select case when p_text ~ '^\+[1-9][0-9]{4,14}$' then p_text end
$$;
revoke all on function private.plain_phone(text) from public, anon, authenticated, service_role;

-- Creates or updates the account and its profile, and returns their id. The caller holds the lock of the Clerk account
-- and has made sure that these data are the newest. An address is given only if Clerk has verified it.
--
-- An address belongs to one profile. At Clerk it does too, so of two Clerk accounts the one that changed last has it,
-- and the other one loses it here: its own webhook is still on the way. An account that is not Clerk's keeps what it
-- has, and the newcomer goes without: equal addresses never join two accounts, because whoever could register
-- somebody's address elsewhere would get into their account.
--
-- `auth.users` only mirrors that the account exists, without address or number; in `raw_user_meta_data` it remembers
-- what Clerk said last. The profile is the person's own: a name or number there follows Clerk until the person has
-- written another one.
create or replace function private.put_clerk_account(
    p_clerk_user_id text, p_email text, p_phone_number text, p_full_name text, p_updated_at bigint)
    returns uuid
    language plpgsql
    set search_path = ''
as $$
declare
    address  text := private.plain_email(p_email);
    number   text := private.plain_phone(p_phone_number);
    new_name text := left(nullif(btrim(p_full_name), ''), 200);
    said     jsonb := jsonb_strip_nulls(jsonb_build_object('full_name', new_name, 'phone_number', number));
    former   jsonb;
    account  uuid;
begin
    -- Whoever wants this address waits here, before any row is locked, and after the lock of the Clerk account: two
    -- accounts never take one address at the same time.
    if address is not null then
        perform pg_advisory_xact_lock(hashtextextended('address:' || address, 0));
    end if;

    select id into account from public.users where clerk_user_id = p_clerk_user_id;
    if account is null then
        -- Empty texts, because the Auth server cannot read null in these columns. The triggers on `auth.users` close
        -- the account and create its profile.
        insert into auth.users (
            id, instance_id, aud, role, raw_app_meta_data, raw_user_meta_data,
            confirmation_token, recovery_token, email_change, email_change_token_new, created_at, updated_at)
        values (
            gen_random_uuid(), '00000000-0000-0000-0000-000000000000', 'authenticated', 'authenticated',
            jsonb_build_object('provider', 'clerk', 'providers', jsonb_build_array('clerk'),
                               'clerk_id', p_clerk_user_id),
            said, '', '', '', '', clock_timestamp(), clock_timestamp())
        returning id into account;
    else
        select raw_user_meta_data into former from auth.users where id = account for update;
        update auth.users as mirror
        set raw_user_meta_data = case when jsonb_typeof(former) = 'object'
                                      then former - 'full_name' - 'phone_number' else '{}' end || said,
            updated_at = clock_timestamp()
        where mirror.id = account;
    end if;

    -- Both profiles that may change, always in the same order, so that two accounts that swap addresses cannot deadlock.
    perform from public.users where id = account or email = address order by id for update;

    update public.users as holder
    set email = null
    where holder.email = address
      and holder.id <> account
      and starts_with(holder.clerk_user_id, 'user_')
      and coalesce((select known.updated_at from private.clerk_accounts as known
                    where known.clerk_user_id = holder.clerk_user_id), 0) < p_updated_at;
    if exists (select from public.users where email = address and id <> account) then
        address := null;
    end if;
    loop
        begin
            update public.users as profile
            set email = address,
                full_name = case when profile.full_name is not distinct from left(former ->> 'full_name', 200)
                                 then new_name else profile.full_name end,
                phone_number = case when profile.phone_number is not distinct from former ->> 'phone_number'
                                    then number else profile.phone_number end
            where profile.id = account
              and profile.clerk_user_id = p_clerk_user_id;
            if not found then
                raise exception 'the account of a Clerk user has no profile';
            end if;
            exit;
        exception
            when unique_violation then -- Supabase Auth has given the address to somebody since the check
                address := null;
        end;
    end loop;

    insert into private.clerk_accounts as known (clerk_user_id, updated_at)
    values (p_clerk_user_id, p_updated_at)
    on conflict (clerk_user_id) do update set updated_at = greatest(known.updated_at, excluded.updated_at);
    return account;
end
$$;
revoke all on function private.put_clerk_account(text, text, text, text, bigint)
    from public, anon, authenticated, service_role;
