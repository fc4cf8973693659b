-- When each saved search is to run for its person, and which postings it has found before.

create table if not exists private.saved_search_alerts (
    saved_search_id uuid primary key,
    user_id         uuid not null,
    -- Postings from before this are not new: it is when the search was created, or its query changed.
    since           timestamptz not null,
    -- When it is due; null while nobody wants to be told.
    next_at         timestamptz,
    -- The last background job that was queued for it. No foreign key: finished jobs are purged.
    job_id          uuid,
    constraint saved_search_alerts_fk_saved_search foreign key (saved_search_id, user_id)
        references public.saved_searches (id, user_id) on update cascade on delete cascade
);
comment on table private.saved_search_alerts is 'When each saved search is due for its person.';
-- Of all of them: a change of preferences and the deletion of an account look for those that are not due, too.
create index if not exists idx_saved_search_alerts_user_id_next_at
    on private.saved_search_alerts (user_id, next_at);

-- People take turns, however many searches each of them has. Whose turn comes next is found here alone, without a look
-- at all that is due.
create table if not exists private.saved_search_alert_turns (
    user_id uuid primary key,
    -- Not later than the first of their searches is due, unless the person has just had a turn: then it is when that
    -- was, which is behind everybody who waits. Null when nothing will be due.
    due_at  timestamptz,
    constraint saved_search_alert_turns_fk_user
        foreign key (user_id) references public.users (id) on delete cascade
);
comment on table private.saved_search_alert_turns is 'Whose saved searches are to run next.';
create index if not exists idx_saved_search_alert_turns_due_at
    on private.saved_search_alert_turns (due_at) where due_at is not null;
-- For the purge.
create index if not exists idx_saved_search_alerts_since_resting
    on private.saved_search_alerts (since) where next_at is null;

-- The postings that were there when a search ran: whatever their date says, a person is told of them only once.
create table if not exists private.saved_search_sightings (
    saved_search_id uuid not null,
    posting_id      text not null, -- as in `applications.adzuna_job_id`
    sighted_at      timestamptz not null, -- for the last time
    primary key (saved_search_id, posting_id),
    constraint saved_search_sightings_fk_saved_search
        foreign key (saved_search_id) references public.saved_searches (id) on delete cascade
);
comment on table private.saved_search_sightings is 'The postings that each saved search has found before.';

alter table private.saved_search_alerts enable row level security;
alter table private.saved_search_alert_turns enable row level security;
alter table private.saved_search_sightings enable row level security;
revoke all on table private.saved_search_alerts, private.saved_search_alert_turns, private.saved_search_sightings
    from public, anon, authenticated, service_role;

-- How often a person wants to be told, or null if not at all. Without preferences the defaults of the columns apply.
create or replace function private.alert_frequency(p_user_id uuid)
    returns text
    language sql
    stable
    set search_path = ''
as $$
    select case when coalesce(preference.receive_job_alerts, true)
                then coalesce(preference.alert_frequency, 'daily') end
    from (values (p_user_id)) as person (id)
    left join public.user_preferences as preference on preference.user_id = person.id
$$;
revoke all on function private.alert_frequency(uuid) from public, anon, authenticated, service_role;

-- The next time after this one at which such a search runs: every hour outside the quiet hours, or at one moment of the
-- day or week outside them, by the local clock. Which moment is decided by the query: equal searches of people with the
-- same clock run together and share one page of Adzuna's, and different ones are spread out.
create or replace function private.next_alert_at(
    p_search_query jsonb, p_frequency text, p_timezone text, p_quiet_start smallint, p_quiet_end smallint,
    p_after timestamptz)
    returns timestamptz
    language sql
    stable
    set search_path = ''
as $$
    with search as (
        -- 2^40 spreads over all moments of a week, and leaves room for the arithmetic.
        select abs(hashtextextended(p_search_query::text, 0) % 1099511627776) as number,
               case when p_quiet_start = p_quiet_end then 86400
                    else (p_quiet_start - p_quiet_end + 24) % 24 * 3600 end as awake,
               case when p_quiet_start = p_quiet_end then 0 else p_quiet_end * 3600 end as morning
    ),
    hourly as (
        select to_timestamp(paused + ((number - paused) % 3600 + 3600) % 3600) as moment
        from search
        cross join lateral (select floor(extract(epoch from p_after))::bigint + 1 as later) as second
        cross join lateral (select floor(extract(epoch from private.after_quiet_hours(
            to_timestamp(later + ((number - later) % 3600 + 3600) % 3600),
            p_timezone, p_quiet_start, p_quiet_end)))::bigint as paused) as pause
    ),
    daily as (
        select private.after_quiet_hours(
                   (day + make_interval(secs => (morning + number % awake) % 86400)) at time zone p_timezone,
                   p_timezone, p_quiet_start, p_quiet_end) as moment
        from search
        cross join generate_series(-1, 8) as distance
        cross join lateral (select (p_after at time zone p_timezone)::date + distance as day) as calendar
        where p_frequency = 'daily' or (day - date '1970-01-01') % 7 = number / awake % 7
    )
    select case p_frequency
        when 'instant' then (select moment from hourly)
        when 'daily' then (select min(moment) from daily where moment > p_after)
        when 'weekly' then (select min(moment) from daily where moment > p_after) end
$$;
revoke all on function private.next_alert_at(jsonb, text, text, smallint, smallint, timestamptz)
    from public, anon, authenticated, service_role;

-- The same for a search of a person; null if they do not want to be told at all.
create or replace function private.next_alert_of_person(p_user_id uuid, p_search_query jsonb, p_after timestamptz)
    returns timestamptz
    language sql
    stable
    set search_path = ''
as $$
    select private.next_alert_at(
        p_search_query, private.alert_frequency(p_user_id), clock.timezone, clock.quiet_start, clock.quiet_end, p_after)
    from private.clock_of_person(p_user_id) as clock
$$;
revoke all on function private.next_alert_of_person(uuid, jsonb, timestamptz)
    from public, anon, authenticated, service_role;

-- Whether a search's person is to be told of new postings.
create or replace function private.is_alert_wanted(p_search public.saved_searches)
    returns boolean
    language sql
    stable
    set search_path = ''
as $$
    select coalesce(p_search.notify_new_jobs, true) and private.alert_frequency(p_search.user_id) is not null
$$;
revoke all on function private.is_alert_wanted(public.saved_searches) from public, anon, authenticated, service_role;

-- When a search is due, if it is: at once when it has not run with its present query, to record which postings are
-- already there.
create or replace function private.alert_due_at(p_search public.saved_searches, p_since timestamptz)
    returns timestamptz
    language sql
    volatile
    set search_path = ''
as $$
    select case
        when not private.is_alert_wanted(p_search) then null
        when p_search.last_run_at >= p_since then private.next_alert_of_person(
            p_search.user_id, p_search.search_query, p_search.last_run_at)
        else clock_timestamp() end
$$;
revoke all on function private.alert_due_at(public.saved_searches, timestamptz)
    from public, anon, authenticated, service_role;

-- Something will be due. Somebody who has just had a turn cannot be due again before those who wait, and the past
-- counts as now, so that switching alerts off and on does not lead to the head of the line. The row is locked even if
-- it stays as it is: a run that computes the person's next turn at the same moment must not miss this.
create or replace function private.take_a_turn()
    returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    insert into private.saved_search_alert_turns as turn (user_id, due_at)
    values (new.user_id, greatest(new.next_at, clock_timestamp()))
    on conflict (user_id) do update set due_at = excluded.due_at
        where turn.due_at is null or turn.due_at > excluded.due_at;
    return null;
end
$$;
revoke all on function private.take_a_turn() from public, anon, authenticated, service_role;
comment on function private.take_a_turn() is
    'Keeps a person''s turn not later than their first search is due. '
    'Definer: it runs for the person, who cannot reach the schema private. '
    'Bounds: a trigger function, which nobody can call: it changes only the turn of the person of the row that is '
    'being written.';

create or replace trigger on_saved_search_alerts_created_take_a_turn
    after insert on private.saved_search_alerts
    for each row when (new.next_at is not null)
    execute function private.take_a_turn();
create or replace trigger on_saved_search_alerts_updated_take_a_turn
    after update of next_at, user_id on private.saved_search_alerts
    for each row when (new.next_at is not null)
    execute function private.take_a_turn();

-- A search is new, or was changed in a way that matters.
create or replace function private.schedule_saved_search()
    returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    first_moment timestamptz;
begin
    if tg_op = 'INSERT' then
        first_moment := new.created_at;
    elsif new.search_query <> old.search_query then
        first_moment := clock_timestamp();
    end if;

    insert into private.saved_search_alerts as alert (saved_search_id, user_id, since, next_at)
    values (new.id, new.user_id, coalesce(first_moment, new.created_at),
            private.alert_due_at(new, coalesce(first_moment, new.created_at)))
    on conflict (saved_search_id) do update
    set since = coalesce(first_moment, alert.since),
        next_at = private.alert_due_at(new, coalesce(first_moment, alert.since)),
        job_id = case when first_moment is null then alert.job_id end;
    return null;
end
$$;
revoke all on function private.schedule_saved_search() from public, anon, authenticated, service_role;
comment on function private.schedule_saved_search() is
    'Keeps the schedule of a saved search up to date. '
    'Definer: it runs for the person, who cannot reach the schema private. '
    'Bounds: a trigger function, which nobody can call: it changes only the schedule of the row that is being '
    'written.';

create or replace trigger on_saved_searches_created_schedule
    after insert on public.saved_searches
    for each row execute function private.schedule_saved_search();
create or replace trigger on_saved_searches_updated_schedule
    after update of search_query, notify_new_jobs on public.saved_searches
    for each row when (old.search_query <> new.search_query
                       or old.notify_new_jobs is distinct from new.notify_new_jobs)
    execute function private.schedule_saved_search();

-- A person wants to be told more or less often, at other times, or not at all.
create or replace function private.schedule_saved_searches_of_person()
    returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    person_id uuid;
begin
    if tg_table_name = 'users' then
        person_id := new.id;
    elsif tg_op = 'DELETE' then
        person_id := old.user_id;
    else
        person_id := new.user_id;
    end if;
    update private.saved_search_alerts as alert
    set next_at = private.alert_due_at(search, alert.since)
    from public.saved_searches as search
    where search.id = alert.saved_search_id and alert.user_id = person_id;
    return null;
end
$$;
revoke all on function private.schedule_saved_searches_of_person() from public, anon, authenticated, service_role;
comment on function private.schedule_saved_searches_of_person() is
    'Keeps the schedules of a person''s saved searches up to date. '
    'Definer: it runs for the person, who cannot reach the schema private. '
    'Bounds: a trigger function, which nobody can call: it changes only the schedules of the person whose preferences '
    'or time zone are being written.';

create or replace trigger on_user_preferences_created_or_deleted_schedule
    after insert or delete on public.user_preferences
    for each row execute function private.schedule_saved_searches_of_person();
create or replace trigger on_user_preferences_updated_schedule
    after update of receive_job_alerts, alert_frequency, quiet_hours_start, quiet_hours_end on public.user_preferences
    for each row when ((old.receive_job_alerts, old.alert_frequency, old.quiet_hours_start, old.quiet_hours_end)
                       is distinct from
                       (new.receive_job_alerts, new.alert_frequency, new.quiet_hours_start, new.quiet_hours_end))
    execute function private.schedule_saved_searches_of_person();
create or replace trigger on_users_updated_schedule
    after update of timezone on public.users
    for each row when (new.timezone <> old.timezone)
    execute function private.schedule_saved_searches_of_person();

-- Searches that already existed when the trigger was created.
insert into private.saved_search_alerts (saved_search_id, user_id, since, next_at)
select id, user_id, created_at, private.alert_due_at(search, created_at)
from public.saved_searches as search
on conflict (saved_search_id) do nothing;
