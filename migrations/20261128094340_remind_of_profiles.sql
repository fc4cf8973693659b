-- A weekly look at what is missing for applying: a résumé, a name, a way to be reached.

-- When each person's profile is looked at next: a week after they came, and then every week, each at their own time.
create table if not exists private.profile_reminders (
    user_id uuid primary key,
    next_at timestamptz not null default now() + interval '7 days',
    constraint profile_reminders_fk_user foreign key (user_id) references public.users (id) on delete cascade
);
comment on table private.profile_reminders is 'When it is looked next at what is missing in each person''s profile.';
create index if not exists idx_profile_reminders_next_at on private.profile_reminders (next_at);
alter table private.profile_reminders enable row level security;
revoke all on table private.profile_reminders from public, anon, authenticated, service_role;

create or replace function private.schedule_profile_reminder()
    returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    insert into private.profile_reminders (user_id) values (new.id) on conflict (user_id) do nothing;
    return null;
end
$$;
revoke all on function private.schedule_profile_reminder() from public, anon, authenticated, service_role;
comment on function private.schedule_profile_reminder() is
    'Schedules the first look at a new profile. '
    'Definer: it runs for whoever makes a profile, who cannot reach the schema private. '
    'Bounds: a trigger function, which nobody can call: it writes one row, for the profile that is being made.';

create or replace trigger on_users_created_schedule_reminder
    after insert on public.users
    for each row execute function private.schedule_profile_reminder();

-- People who were there before the trigger, spread over the week.
insert into private.profile_reminders (user_id, next_at)
select id, now() + random() * interval '7 days' from public.users
on conflict (user_id) do nothing;

-- What a person lacks for applying, in words, or an empty list. What counts as there is what claim_application takes.
create or replace function private.missing_for_applying(p_person public.users)
    returns text[]
    language sql
    stable
    set search_path = ''
as $$
    select array_remove(array[
        case when p_person.current_resume_url is null
                  and not exists (select from public.resumes where user_id = p_person.id and is_primary)
             then 'a résumé' end,
        case when coalesce(p_person.full_name, '') !~ '[^[:space:]]' then 'your name' end,
        case when p_person.email is null and p_person.phone_number is null
             then 'an e-mail address or a phone number' end
    ], null)
$$;
revoke all on function private.missing_for_applying(public.users) from public, anon, authenticated, service_role;

-- Whether a reminder is of use: not to people who only signed up, since they want nothing yet, and not on top of one that
-- was not read.
create or replace function private.wants_profile_reminder(p_user_id uuid)
    returns boolean
    language sql
    stable
    set search_path = ''
as $$
    select (exists (select from public.applications where user_id = p_user_id and deleted_at is null)
            or exists (select from public.saved_jobs where user_id = p_user_id)
            or exists (select from public.saved_searches where user_id = p_user_id))
       and not exists (select from public.notifications
                       where user_id = p_user_id and not is_read and type = 'PROFILE_REMINDER')
$$;
revoke all on function private.wants_profile_reminder(uuid) from public, anon, authenticated, service_role;

-- Queues one job when profiles are due, unless there is one.
create or replace function public.queue_due_profile_reminders()
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    queued integer;
begin
    insert into public.background_jobs (job_type, payload, dedupe_key)
    select 'profile_reminders', '{}',
           'profile_reminders:' || to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI')
    -- now() and not clock_timestamp(), which no index can be searched for.
    where exists (select from private.profile_reminders where next_at <= now())
      and not exists (select from public.background_jobs
                      where job_type = 'profile_reminders' and status in ('pending', 'processing'))
    on conflict (dedupe_key) do nothing;
    get diagnostics queued = row_count;
    return jsonb_build_object('queued', queued);
end
$$;
revoke all on function public.queue_due_profile_reminders() from public, anon, authenticated, service_role;
grant execute on function public.queue_due_profile_reminders() to service_role;
comment on function public.queue_due_profile_reminders() is
    'Queues the job that reminds people of what is missing in their profiles. '
    'Definer: it reads schedules in the schema private. '
    'Bounds: it takes no arguments; one job a minute, and one at a time.';

-- Looks at up to `p_limit` profiles that are due, those that have waited longest first, and reminds their people where
-- that is of use. The next look at each is a week away, in the same transaction. Returns how many were looked at and
-- how many people were reminded.
create or replace function public.remind_of_profiles(p_limit integer default 200)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    moment constant timestamptz := clock_timestamp();
    result jsonb;
begin
    if p_limit is null or p_limit not between 1 and 1000 then
        perform private.refuse('invalid_input', 422, 'the limit is a number from 1 to 1000');
    end if;

    -- A person who is just being deleted is skipped: a notification refers to the row in `users`.
    with due as materialized (
        select reminder.user_id, private.missing_for_applying(person) as missing
        from private.profile_reminders as reminder
        join public.users as person on person.id = reminder.user_id
        where reminder.next_at <= moment
        order by reminder.next_at
        limit p_limit
        for update of reminder skip locked
        for key share of person skip locked
    ),
    told as (
        select (private.notify_person(
            user_id, 'PROFILE_REMINDER', 'Your profile is not complete',
            format('To apply for jobs, add %s to your profile.',
                   regexp_replace(array_to_string(missing, ', '), ', ([^,]*)$', ' and \1')),
            user_id, 'profile', '{}', private.may_disturb_from(user_id))).notification_id
        from due
        where cardinality(missing) > 0 and private.wants_profile_reminder(user_id)
    ),
    looked_at as (
        update private.profile_reminders as reminder
        set next_at = moment + interval '7 days'
        from due
        where reminder.user_id = due.user_id
        returning reminder.user_id
    )
    select jsonb_build_object('looked_at', (select count(*) from looked_at),
                              'reminded', (select count(notification_id) from told))
    into result;
    return result;
end
$$;
revoke all on function public.remind_of_profiles(integer) from public, anon, authenticated, service_role;
grant execute on function public.remind_of_profiles(integer) to service_role;
comment on function public.remind_of_profiles(integer) is
    'Reminds people of what is missing in their profiles. '
    'Definer: it reads and writes schedules in the schema private. '
    'Bounds: 1 to 1000 profiles, only those that are due; each is due once a week.';
