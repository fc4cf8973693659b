-- What operators tell everybody, or everybody of some tiers. Each person is told once, however often it is announced.

-- An announcement is its text: the same text again is the same announcement.
create table if not exists private.announcements (
    id         uuid primary key default gen_random_uuid(),
    title      text not null,
    message    text not null,
    created_at timestamptz not null default now(),
    constraint announcements_check_title check (char_length(title) between 1 and 200),
    -- What a push message has room for.
    constraint announcements_check_message check (char_length(message) between 1 and 1000)
);
comment on table private.announcements is 'What operators have told people.';
create unique index if not exists idx_announcements_title_message on private.announcements (title, md5(message));

-- The people of a tier are told in the order of their ids, and it is kept how far that is.
create table if not exists private.announcement_tiers (
    announcement_id uuid not null,
    tier            public.user_tier not null,
    announced_at    timestamptz not null default clock_timestamp(),
    told_up_to      uuid, -- the last person
    told            integer not null default 0,
    finished_at     timestamptz,
    primary key (announcement_id, tier),
    constraint announcement_tiers_fk_announcement
        foreign key (announcement_id) references private.announcements (id) on delete cascade
);
comment on table private.announcement_tiers is 'To whom each announcement goes, and how far that is.';

alter table private.announcements enable row level security;
alter table private.announcement_tiers enable row level security;
revoke all on table private.announcements, private.announcement_tiers from public, anon, authenticated, service_role;

create index if not exists idx_users_tier_id on public.users (tier, id);

-- Announces to these tiers, or to all. Repeated with further tiers, it goes to them too; repeated after its job has
-- failed, it goes on where that ended. Returns the announcement and whether there is anybody left to tell.
create or replace function public.announce(
    p_title text, p_message text, p_tiers public.user_tier[] default enum_range(null::public.user_tier))
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    announcement private.announcements;
begin
    if coalesce(char_length(p_title), 0) not between 1 and 200
       or coalesce(char_length(p_message), 0) not between 1 and 1000 then
        perform private.refuse('invalid_input', 422, 'the title has 1 to 200 characters, and the message 1 to 1000');
    end if;
    if coalesce(cardinality(p_tiers), 0) = 0 or array_position(p_tiers, null) is not null then
        perform private.refuse('invalid_input', 422, 'there must be a tier, and none of them may be null');
    end if;

    -- The update changes nothing but locks the row, so that two calls at once queue one job.
    insert into private.announcements (title, message) values (p_title, p_message)
    on conflict (title, md5(message)) do update set title = excluded.title
    returning * into announcement;
    insert into private.announcement_tiers (announcement_id, tier)
    select distinct announcement.id, tier from unnest(p_tiers) as tier
    on conflict (announcement_id, tier) do nothing;

    if not exists (select from private.announcement_tiers
                   where announcement_id = announcement.id and finished_at is null) then
        return jsonb_build_object('announcement_id', announcement.id, 'outcome', 'already_announced');
    end if;
    insert into public.background_jobs (job_type, payload)
    select 'announcement', jsonb_build_object('announcement_id', announcement.id)
    where not exists (select from public.background_jobs
                      where job_type = 'announcement' and status in ('pending', 'processing')
                        and payload ->> 'announcement_id' = announcement.id::text);
    return jsonb_build_object('announcement_id', announcement.id, 'outcome', 'announced');
end
$$;
revoke all on function public.announce(text, text, public.user_tier[]) from public, anon, authenticated, service_role;
grant execute on function public.announce(text, text, public.user_tier[]) to service_role;
comment on function public.announce(text, text, public.user_tier[]) is
    'Tells everybody of some tiers something, once. '
    'Definer: it writes tables in the schema private. '
    'Bounds: only operators call it; the texts are short enough for a push message, and the same text is told once.';

-- Tells the next `p_limit` people of an announcement, and notes how far that is, in one transaction. People who came
-- after it was announced are not told. Returns how many have been told in all, and whether that was everybody.
create or replace function public.tell_announcement(p_announcement_id uuid, p_limit integer default 500)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    announcement private.announcements;
    step         private.announcement_tiers;
    people       uuid[];
    told_now     integer;
begin
    if p_limit is null or p_limit not between 1 and 1000 then
        perform private.refuse('invalid_input', 422, 'the limit is a number from 1 to 1000');
    end if;
    select * into announcement from private.announcements where id = p_announcement_id;
    select * into step from private.announcement_tiers
    where announcement_id = p_announcement_id and finished_at is null
    order by tier limit 1
    for update;

    if step.tier is not null then
        people := array(
            select id from public.users
            where tier = step.tier and id > coalesce(step.told_up_to, '00000000-0000-0000-0000-000000000000')
              and created_at <= step.announced_at
            order by id limit p_limit);
        -- A person who was told before has come to this tier from another one. Locking the row keeps this condition
        -- before the call.
        select count(told.notification_id) into told_now
        from (select id from public.users
              where id = any (people)
                and not exists (select from public.notifications
                                where user_id = users.id and related_entity_id = announcement.id
                                  and type = 'GENERAL_ANNOUNCEMENT')
              order by id
              for key share) as person
        cross join lateral private.notify_person(
            person.id, 'GENERAL_ANNOUNCEMENT', announcement.title, announcement.message, announcement.id,
            'announcement', jsonb_build_object('announcement_id', announcement.id),
            private.may_disturb_from(person.id)) as told;
        update private.announcement_tiers
        set told_up_to = coalesce(people[cardinality(people)], told_up_to),
            told = told + told_now,
            finished_at = case when cardinality(people) < p_limit then clock_timestamp() end
        where announcement_id = step.announcement_id and tier = step.tier;
    end if;

    return (select jsonb_build_object('told', coalesce(sum(told), 0),
                                      'is_finished', coalesce(bool_and(finished_at is not null), true))
            from private.announcement_tiers where announcement_id = p_announcement_id);
end
$$;
revoke all on function public.tell_announcement(uuid, integer) from public, anon, authenticated, service_role;
grant execute on function public.tell_announcement(uuid, integer) to service_role;
comment on function public.tell_announcement(uuid, integer) is
    'Tells the next people of an announcement. '
    'Definer: it reads and writes tables in the schema private. '
    'Bounds: 1 to 1000 people, only those to whom it was announced, and each once.';
