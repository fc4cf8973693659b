-- What a webhook of Clerk does, in one transaction.

-- Deletes a person with everything that is theirs, and remembers that the account is gone. The caller holds the lock of
-- the Clerk account. What the cascade cannot do is done by the triggers on `auth.users`.
create or replace function private.delete_clerk_account(p_clerk_user_id text)
    returns uuid
    language plpgsql
    set search_path = ''
as $$
declare
    account uuid;
begin
    insert into private.clerk_accounts as known (clerk_user_id, updated_at, deleted_at)
    values (p_clerk_user_id, 0, clock_timestamp())
    on conflict (clerk_user_id) do update set deleted_at = coalesce(known.deleted_at, excluded.deleted_at);
    -- Here as well: the account may have been deleted in another way, and have had events since then.
    update public.webhook_events set body = '' where clerk_user_id = p_clerk_user_id and body <> '';

    select id into account from public.users where clerk_user_id = p_clerk_user_id;
    delete from auth.users where id = account;
    return account;
end
$$;
revoke all on function private.delete_clerk_account(text) from public, anon, authenticated, service_role;

-- One webhook of Clerk, in one transaction: into the inbox, and onto the account that it is about. `p_updated_at` and
-- `p_person` {email, phone_number, full_name} are null for a deletion. An address or number is given only if it is the
-- primary one and verified.
create or replace function public.apply_clerk_event(
    p_event_id text, p_event_type text, p_clerk_user_id text, p_updated_at bigint, p_person jsonb, p_body text,
    p_request_id uuid)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    known   private.clerk_accounts;
    is_new  boolean;
    account uuid;
    result  text;
begin
    perform private.lock_clerk_account(p_clerk_user_id);
    if exists (select from public.webhook_events where source = 'clerk' and event_key = p_event_id) then
        return jsonb_build_object('outcome', 'duplicate', 'user_id', null);
    end if;

    select * into known from private.clerk_accounts where clerk_user_id = p_clerk_user_id;
    if p_event_type = 'user.deleted' then
        account := private.delete_clerk_account(p_clerk_user_id);
        result := 'deleted';
    elsif known.deleted_at is not null then
        result := 'account_deleted';
    elsif known.updated_at > p_updated_at or (known.updated_at = p_updated_at and p_event_type = 'user.created') then
        -- Of two events of the same instant, the creation is the older one.
        result := 'outdated';
    else
        is_new := not exists (select from public.users where clerk_user_id = p_clerk_user_id);
        account := private.put_clerk_account(
            p_clerk_user_id, p_person ->> 'email', true, p_person ->> 'phone_number', p_person ->> 'full_name',
            p_updated_at);
        result := case when is_new then 'created' else 'updated' end;
    end if;

    insert into public.webhook_events (source, event_key, clerk_user_id, body, outcome, request_id, applied_at)
    values ('clerk', p_event_id, p_clerk_user_id,
            case when result = 'account_deleted' then '' else p_body end, result, p_request_id,
            case when result in ('created', 'updated', 'deleted') then clock_timestamp() end);
    return jsonb_build_object('outcome', result, 'user_id', account);
end
$$;
revoke all on function public.apply_clerk_event(text, text, text, bigint, jsonb, text, uuid)
    from public, anon, authenticated, service_role;
grant execute on function public.apply_clerk_event(text, text, text, bigint, jsonb, text, uuid) to service_role;
comment on function public.apply_clerk_event(text, text, text, bigint, jsonb, text, uuid) is
    'Applies a webhook of Clerk. '
    'Definer: it writes auth.users and the schema private. '
    'Bounds: only the account that is named; an event is applied once, never over a newer one, and never after a '
    'deletion.';
