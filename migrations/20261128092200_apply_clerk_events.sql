-- What a webhook of Clerk does, in one transaction.

-- Deletes a person with everything that is theirs, and remembers that the account is gone. The caller holds the lock of
-- the Clerk account. Two things cannot be done from here and are queued, without the person, since a person's jobs are
-- deleted with them: files can only be deleted through the Storage API, and a run in progress has to be stopped at
-- Skyvern.
create or replace function private.delete_clerk_account(p_clerk_user_id text)
    returns uuid
    language plpgsql
    set search_path = ''
as $$
declare
    -- An outage of a vendor must neither leave somebody's files behind nor let a run go on for somebody who is gone.
    -- With an hour between the later attempts, this is more than three days.
    attempts constant integer := 80;
    account  uuid;
begin
    insert into private.clerk_accounts as known (clerk_user_id, updated_at, deleted_at)
    values (p_clerk_user_id, 0, clock_timestamp())
    on conflict (clerk_user_id) do update set deleted_at = coalesce(known.deleted_at, excluded.deleted_at);
    -- What the inbox holds of the person is erased. The rows stay, so that a repeated delivery is still a duplicate.
    update public.webhook_events set body = '' where clerk_user_id = p_clerk_user_id and body <> '';

    select id into account from public.users where clerk_user_id = p_clerk_user_id;
    if account is null then
        return null;
    end if;

    -- Applications before the person, in the order in which everything that changes an application locks them.
    perform from public.applications where user_id = account order by id for update;
    insert into public.background_jobs (job_type, max_attempts, payload, dedupe_key)
    select 'cancel_skyvern_run', attempts,
           jsonb_build_object('application_id', id, 'run_id', run_id, 'submission_title', submission_title),
           'cancel_skyvern_run:' || id
    from (select id, submission_title,
                 case when private.is_final_skyvern_status(skyvern_run_status) is not true or skyvern_run_retry_pending
                      then skyvern_task_id end as run_id
          from public.applications where user_id = account) as application
    where run_id is not null or submission_title is not null
    on conflict (dedupe_key) do nothing;
    insert into public.background_jobs (job_type, max_attempts, payload, dedupe_key)
    values ('delete_files', attempts,
            jsonb_build_object('buckets', jsonb_build_array('resumes', 'cover_letters'), 'folder', account),
            'delete_files:' || account)
    on conflict (dedupe_key) do nothing;

    -- Skyvern's events that wait for a run that will never be recorded.
    delete from public.webhook_events
    where application_id is null
      and named_application_id in (select id from public.applications where user_id = account);
    delete from auth.users where id = account;
    return account;
end
$$;
revoke all on function private.delete_clerk_account(text) from public, anon, authenticated, service_role;

-- A run that outlives its person still reports its end. Nobody waits for that, so only the fact that it came is kept.
create or replace function private.forget_event_of_deleted_person()
    returns trigger
    language plpgsql
    set search_path = ''
as $$
begin
    if exists (select from public.background_jobs
               where dedupe_key = 'cancel_skyvern_run:' || new.named_application_id) then
        new.outcome := 'account_deleted';
        new.decision := null;
        new.body := '';
    end if;
    return new;
end
$$;
revoke all on function private.forget_event_of_deleted_person() from public, anon, authenticated, service_role;

create or replace trigger on_webhook_events_created_forget_deleted_person
    before insert on public.webhook_events
    for each row when (new.outcome = 'waiting')
    execute function private.forget_event_of_deleted_person();

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
            p_clerk_user_id, p_person ->> 'email', p_person ->> 'phone_number', p_person ->> 'full_name',
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
