-- When each saved search is to run for its person, and which postings it has found before.

create table if not exists private.saved_search_alerts (
    saved_search_id uuid primary key,
    -- Postings from before this are not new: it is when the search was created, or its query changed.
    since           timestamptz not null,
    -- When it is due; null while nobody wants to be told.
    next_at         timestamptz,
    -- The last background job that was queued for it. No foreign key: finished jobs are purged.
    job_id          uuid,
    constraint saved_search_alerts_fk_saved_search
        foreign key (saved_search_id) references public.saved_searches (id) on delete cascade
);
comment on table private.saved_search_alerts is 'When each saved search is due for its person.';
create index if not exists idx_saved_search_alerts_next_at
    on private.saved_search_alerts (next_at) where next_at is not null;
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
alter table private.saved_search_sightings enable row level security;
revoke all on table private.saved_search_alerts, private.saved_search_sightings
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

-- The next time after this one at which such a search runs: every hour, day or week, at an offset that the query
-- decides. So equal searches run together and share one page of Adzuna's, and different ones are spread out.
create or replace function private.next_alert_at(p_search_query jsonb, p_frequency text, p_after timestamptz)
    returns timestamptz
    language sql
    stable
    set search_path = ''
as $$
    select to_timestamp(place + period * (floor((extract(epoch from p_after) - place) / period) + 1))
    from (values ('instant', 3600), ('daily', 86400), ('weekly', 604800)) as frequency (name, period)
    cross join lateral (select abs(hashtextextended(p_search_query::text, 0) % period) as place) as placed
    where name = p_frequency
$$;
revoke all on function private.next_alert_at(jsonb, text, timestamptz) from public, anon, authenticated, service_role;

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
        when p_search.last_run_at >= p_since then private.next_alert_at(
            p_search.search_query, private.alert_frequency(p_search.user_id), p_search.last_run_at)
        else clock_timestamp() end
$$;
revoke all on function private.alert_due_at(public.saved_searches, timestamptz)
    from public, anon, authenticated, service_role;

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

    insert into private.saved_search_alerts as alert (saved_search_id, since, next_at)
    values (new.id, coalesce(first_moment, new.created_at),
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

-- A person wants to be told more or less often, or not at all.
create or replace function private.schedule_saved_searches_of_person()
    returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    update private.saved_search_alerts as alert
    set next_at = private.alert_due_at(search, alert.since)
    from public.saved_searches as search
    where search.id = alert.saved_search_id and search.user_id = coalesce(new.user_id, old.user_id);
    return null;
end
$$;
revoke all on function private.schedule_saved_searches_of_person() from public, anon, authenticated, service_role;
comment on function private.schedule_saved_searches_of_person() is
    'Keeps the schedules of a person''s saved searches up to date. '
    'Definer: it runs for the person, who cannot reach the schema private. '
    'Bounds: a trigger function, which nobody can call: it changes only the schedules of the person whose preferences '
    'are being written.';

create or replace trigger on_user_preferences_created_or_deleted_schedule
    after insert or delete on public.user_preferences
    for each row execute function private.schedule_saved_searches_of_person();
create or replace trigger on_user_preferences_updated_schedule
    after update of receive_job_alerts, alert_frequency on public.user_preferences
    for each row when ((old.receive_job_alerts, old.alert_frequency)
                       is distinct from (new.receive_job_alerts, new.alert_frequency))
    execute function private.schedule_saved_searches_of_person();

-- Searches that already existed when the trigger was created.
insert into private.saved_search_alerts (saved_search_id, since, next_at)
select id, created_at, private.alert_due_at(search, created_at)
from public.saved_searches as search
on conflict (saved_search_id) do nothing;
