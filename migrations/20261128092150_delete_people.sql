-- What goes with a person, whoever deletes the account: Clerk's webhook, the dashboard, the Auth API or plain SQL. Rows
-- go by the cascade of their foreign keys, and an application's deletion cancels its runs. What is left is done here,
-- by triggers, so that no way of deleting can forget it.

create or replace function private.prepare_deletion_of_person(p_user_id uuid)
    returns void
    language plpgsql
    set search_path = ''
as $$
declare
    clerk_id text;
begin
    -- Applications before the person, in the order in which everything that changes an application locks them.
    perform from public.applications where user_id = p_user_id order by id for update;

    -- Files can only be deleted through the Storage API. The job is nobody's, since a person's jobs are deleted with
    -- them.
    insert into public.background_jobs (user_id, job_type, max_attempts, payload, dedupe_key)
    values (null, 'delete_files',
            -- An outage of Storage must not leave somebody's files behind. With an hour between the later attempts,
            -- this is more than three days.
            80,
            jsonb_build_object('buckets', jsonb_build_array('resumes', 'cover_letters'), 'folder', p_user_id),
            'delete_files:' || p_user_id)
    on conflict (dedupe_key) do nothing;

    -- Skyvern's events that wait for a run that will never be recorded.
    delete from public.webhook_events
    where application_id is null
      and named_application_id in (select id from public.applications where user_id = p_user_id);
    -- What the inbox holds of the person. The rows stay, so that a repeated delivery is still a duplicate.
    select clerk_user_id into clerk_id from public.users where id = p_user_id;
    update public.webhook_events set body = '' where clerk_user_id = clerk_id and body <> '';
end
$$;
revoke all on function private.prepare_deletion_of_person(uuid) from public, anon, authenticated, service_role;

-- An account that Supabase Auth only marks as deleted keeps its profile, for whoever wants it back, but nothing is done
-- for it any more.
create or replace function private.handle_account_deleted()
    returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    if tg_op = 'DELETE' then
        perform private.prepare_deletion_of_person(old.id);
        return old;
    end if;
    perform private.cancel_application_runs(id) from public.applications where user_id = new.id order by id;
    return null;
end
$$;
revoke all on function private.handle_account_deleted() from public, anon, authenticated, service_role;
comment on function private.handle_account_deleted() is
    'Does what the cascade cannot do when an account is deleted. '
    'Definer: it runs for Supabase Auth, which has no rights on the tables of people. '
    'Bounds: a trigger function, which nobody can call: it concerns only the account that is being deleted.';

create or replace trigger on_auth_user_deleted
    before delete on auth.users
    for each row execute function private.handle_account_deleted();

create or replace trigger on_auth_user_marked_as_deleted
    after update of deleted_at on auth.users
    for each row when (old.deleted_at is null and new.deleted_at is not null)
    execute function private.handle_account_deleted();

-- For whoever deletes the profile alone. In the cascade it finds everything done.
create or replace trigger on_user_deleted
    before delete on public.users
    for each row execute function private.handle_account_deleted();

-- A run that outlives its person, or its application, still reports its end. Only the fact that it came is kept.
create or replace function private.forget_event_of_deleted_application()
    returns trigger
    language plpgsql
    set search_path = ''
as $$
begin
    if not exists (select from public.applications where id = new.named_application_id) then
        new.outcome := 'account_deleted';
        new.decision := null;
        new.body := '';
    end if;
    return new;
end
$$;
revoke all on function private.forget_event_of_deleted_application()
    from public, anon, authenticated, service_role;

create or replace trigger on_webhook_events_created_forget_deleted_application
    before insert on public.webhook_events
    for each row when (new.outcome = 'waiting' and new.named_application_id is not null)
    execute function private.forget_event_of_deleted_application();
