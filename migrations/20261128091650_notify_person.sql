-- Telling a person something: a notification in the app, and a background job for each further channel.

-- One row per channel: the type of the background job that delivers a notification there. Everybody has every channel;
-- whether a person can be reached on one (whether they have a device, for push) is decided when the job runs, since it
-- can change until then.
create table if not exists private.notification_channels (
    job_type      text primary key,
    -- With the notification's id it is the dedupe key of the job, so that a channel delivers a notification once.
    dedupe_prefix text not null,
    constraint notification_channels_unique_dedupe_prefix unique (dedupe_prefix),
    constraint notification_channels_check_job_type check (job_type ~ '^[a-z][a-z0-9_]{0,99}$'),
    constraint notification_channels_check_dedupe_prefix check (dedupe_prefix ~ '^[a-z][a-z0-9_]{0,99}$')
);
comment on table private.notification_channels is
    'The channels beside the app: which job type delivers a notification there.';
insert into private.notification_channels (job_type, dedupe_prefix)
values ('push_notification', 'notification')
on conflict (job_type) do nothing;

alter table private.notification_channels enable row level security;
revoke all on table private.notification_channels from public, anon, authenticated, service_role;

-- Everything that tells a person something calls this, in the transaction of what it is about. `p_data` is an object
-- that the channels pass on, so that a tap on the message opens the right screen; the notification's id is added to it.
-- Returns the notification, and its push job, which a caller may have sent at once instead of waiting for the queue.
create or replace function private.notify_person(
    p_user_id uuid, p_type public.notification_type, p_title text, p_message text, p_related_entity_id uuid,
    p_related_entity_type text, p_data jsonb, p_not_before timestamptz default null,
    out notification_id uuid, out push_job_id uuid)
    language plpgsql
    set search_path = ''
as $$
begin
    insert into public.notifications (user_id, type, title, message, related_entity_id, related_entity_type)
    values (p_user_id, p_type, p_title, p_message, p_related_entity_id, p_related_entity_type)
    returning id into notification_id;

    with queued as (
        insert into public.background_jobs (user_id, job_type, run_at, payload, dedupe_key)
        select p_user_id, channel.job_type, coalesce(p_not_before, now()),
               jsonb_build_object(
                   'user_id', p_user_id, 'title', p_title, 'message', p_message,
                   'data', p_data || jsonb_build_object('notification_id', notification_id)),
               channel.dedupe_prefix || ':' || notification_id
        from private.notification_channels as channel
        returning id, job_type
    )
    select id into push_job_id from queued where job_type = 'push_notification';
end
$$;
revoke all on function private.notify_person(uuid, public.notification_type, text, text, uuid, text, jsonb, timestamptz)
    from public, anon, authenticated, service_role;
