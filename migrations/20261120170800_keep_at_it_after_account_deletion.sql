-- A vendor that is away for ten minutes must not leave somebody's files behind for ever, nor a run that applies on for
-- somebody who is gone: what the deletion of an account queues is tried for days.
create or replace function private.delete_clerk_account(p_clerk_user_id text)
    returns uuid
    language plpgsql
    set search_path = ''
as $$
declare
    -- With an hour between the later ones, this is more than three days.
    attempts constant integer := 80;
    account  uuid;
begin
    insert into private.clerk_accounts as known (clerk_user_id, updated_at, deleted_at)
    values (p_clerk_user_id, 0, clock_timestamp())
    on conflict (clerk_user_id) do update set deleted_at = coalesce(known.deleted_at, excluded.deleted_at);
    -- What the inbox holds of the person goes too. The rows stay, so that what is sent again is still a duplicate.
    update public.webhook_events set body = '' where clerk_user_id = p_clerk_user_id and body <> '';

    select id into account from public.users where clerk_user_id = p_clerk_user_id;
    if account is null then
        return null;
    end if;

    -- Applications before the person, as everybody locks them who moves an application.
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

    -- Skyvern's events that wait for a run nobody will record any more.
    delete from public.webhook_events
    where application_id is null
      and named_application_id in (select id from public.applications where user_id = account);
    delete from auth.users where id = account;
    return account;
end
$$;
revoke all on function private.delete_clerk_account(text) from public, anon, authenticated, service_role;
