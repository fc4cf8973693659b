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

-- A phone number as Supabase Auth writes it, E.164 without the plus; null for what is not a number.
create or replace function private.plain_phone(p_text text)
    returns text
    language sql
    immutable
    set search_path = ''
as $$
    select case when p_text ~ '^\+[1-9][0-9]{4,14}$' then substr(p_text, 2) end
$$;
revoke all on function private.plain_phone(text) from public, anon, authenticated, service_role;

-- Creates or updates the account and its profile, and returns their id. The caller holds the lock of the Clerk account
-- and has made sure that these data are the newest.
--
-- An address (or number) belongs to one account. At Clerk it does too, so of two Clerk accounts the one that changed
-- last has it, and the other one loses it here: its own webhook is still on the way. An account that is not Clerk's
-- keeps what it has, and the newcomer goes without: equal addresses never join two accounts, because whoever could
-- register somebody's address elsewhere would get into their account.
--
-- `auth.users` mirrors Clerk; the profile is the person's own. A name or number there follows Clerk until the person
-- has written another one.
create or replace function private.put_clerk_account(
    p_clerk_user_id text, p_email text, p_email_is_confirmed boolean, p_phone_number text, p_full_name text,
    p_updated_at bigint)
    returns uuid
    language plpgsql
    set search_path = ''
as $$
declare
    attempts    constant integer := 3;
    address     text := private.plain_email(p_email);
    number      text := private.plain_phone(p_phone_number);
    new_name    text := left(nullif(btrim(p_full_name), ''), 200);
    account     uuid;
    former      auth.users;
    former_name text;
begin
    select id into account from public.users where clerk_user_id = p_clerk_user_id;

    -- All rows that may change, always in the same order, so that two accounts that swap addresses cannot deadlock.
    perform from auth.users as candidate
    where candidate.id = account
       or (candidate.email = address and not candidate.is_sso_user) -- the unique index has no others
       or candidate.phone = number
    order by candidate.id
    for update;
    select * into former from auth.users where id = account;
    former_name := left(former.raw_user_meta_data ->> 'full_name', 200);

    update auth.users as holder
    set email = nullif(holder.email, address),
        email_confirmed_at = case when holder.email is distinct from address then holder.email_confirmed_at end,
        phone = nullif(holder.phone, number),
        phone_confirmed_at = case when holder.phone is distinct from number then holder.phone_confirmed_at end,
        updated_at = clock_timestamp()
    from public.users as profile
        left join private.clerk_accounts as known on known.clerk_user_id = profile.clerk_user_id
    where profile.id = holder.id
      and holder.id is distinct from account
      and not holder.is_sso_user
      and (holder.email = address or holder.phone = number)
      and starts_with(profile.clerk_user_id, 'user_')
      and coalesce(known.updated_at, 0) < p_updated_at;

    -- More than once, in case another account takes the address between the check and the write.
    for attempt in 1..attempts loop
        if exists (select from auth.users as holder
                   where holder.email = address and not holder.is_sso_user and holder.id is distinct from account) then
            address := null;
        end if;
        if exists (select from auth.users as holder
                   where holder.phone = number and holder.id is distinct from account) then
            number := null;
        end if;
        begin
            if account is null then
                -- Empty texts, because the Auth server cannot read null in these columns.
                insert into auth.users (
                    id, instance_id, aud, role, email, email_confirmed_at, phone, phone_confirmed_at,
                    raw_app_meta_data, raw_user_meta_data,
                    confirmation_token, recovery_token, email_change, email_change_token_new, created_at, updated_at)
                values (
                    gen_random_uuid(), '00000000-0000-0000-0000-000000000000', 'authenticated', 'authenticated',
                    address, case when address is not null and p_email_is_confirmed then clock_timestamp() end,
                    number, case when number is not null then clock_timestamp() end,
                    jsonb_build_object('provider', 'clerk', 'providers', jsonb_build_array('clerk'),
                                       'clerk_id', p_clerk_user_id),
                    jsonb_strip_nulls(jsonb_build_object('full_name', new_name)),
                    '', '', '', '', clock_timestamp(), clock_timestamp())
                returning id into account;
            else
                update auth.users as mirror
                set email = address,
                    email_confirmed_at = case
                        when address is null or not p_email_is_confirmed then null
                        when mirror.email = address then coalesce(mirror.email_confirmed_at, clock_timestamp())
                        else clock_timestamp() end,
                    phone = number,
                    phone_confirmed_at = case
                        when number is null then null
                        when mirror.phone = number then coalesce(mirror.phone_confirmed_at, clock_timestamp())
                        else clock_timestamp() end,
                    raw_user_meta_data = jsonb_set(
                        case when jsonb_typeof(mirror.raw_user_meta_data) = 'object'
                             then mirror.raw_user_meta_data else '{}' end,
                        '{full_name}', coalesce(to_jsonb(new_name), 'null')),
                    updated_at = clock_timestamp()
                where mirror.id = account;
            end if;
            exit;
        exception
            when unique_violation then
                if attempt = attempts then
                    raise;
                end if;
        end;
    end loop;

    -- The triggers on `auth.users` have created the profile and keep its address.
    update public.users as profile
    set full_name = case when profile.full_name is not distinct from former_name
                         then new_name else profile.full_name end,
        phone_number = case when profile.phone_number is not distinct from '+' || former.phone
                            then '+' || number else profile.phone_number end
    where profile.id = account
      and profile.clerk_user_id = p_clerk_user_id;
    if not found then
        raise exception 'the account of a Clerk user has no profile';
    end if;

    insert into private.clerk_accounts as known (clerk_user_id, updated_at)
    values (p_clerk_user_id, p_updated_at)
    on conflict (clerk_user_id) do update set updated_at = greatest(known.updated_at, excluded.updated_at);
    return account;
end
$$;
revoke all on function private.put_clerk_account(text, text, boolean, text, text, bigint)
    from public, anon, authenticated, service_role;
