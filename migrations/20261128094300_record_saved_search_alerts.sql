-- One run of a saved search, in two steps: what is to be searched, and what the person is told of what was found.

-- The search that a job is about, or null: a person's job reaches only their own searches.
create or replace function private.saved_search_of_job(p_job_id uuid, p_saved_search_id uuid)
    returns public.saved_searches
    language sql
    stable
    set search_path = ''
as $$
    select search.*
    from public.background_jobs as job
    join public.saved_searches as search
        on search.id = p_saved_search_id and search.user_id = coalesce(job.user_id, search.user_id)
    where job.id = p_job_id
$$;
revoke all on function private.saved_search_of_job(uuid, uuid) from public, anon, authenticated, service_role;

-- Returns {outcome, search_query, user_id, since, newer_than}, all of them for the outcome wanted, and only the first
-- for search_not_found and switched_off.
create or replace function public.saved_search_to_alert(p_job_id uuid, p_saved_search_id uuid)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    -- A page of this age is as good as a new one, so that running a search again and again does not call Adzuna.
    new_enough constant interval := '15 minutes';
    search     public.saved_searches := private.saved_search_of_job(p_job_id, p_saved_search_id);
    alert      private.saved_search_alerts;
begin
    if search.id is null then
        return jsonb_build_object('outcome', 'search_not_found');
    elsif not private.is_alert_wanted(search) then
        return jsonb_build_object('outcome', 'switched_off');
    end if;
    select * into alert from private.saved_search_alerts where saved_search_id = search.id;
    return jsonb_build_object(
        'outcome', 'wanted', 'search_query', search.search_query, 'user_id', search.user_id, 'since', alert.since,
        -- An older page, cached for another search, has nothing new.
        'newer_than', least(greatest(search.last_run_at, alert.since), clock_timestamp() - new_enough));
end
$$;
revoke all on function public.saved_search_to_alert(uuid, uuid) from public, anon, authenticated, service_role;
grant execute on function public.saved_search_to_alert(uuid, uuid) to service_role;
comment on function public.saved_search_to_alert(uuid, uuid) is
    'What a job of a saved search is to search for. '
    'Definer: it reads schedules in the schema private. '
    'Bounds: a person''s job reaches only that person''s searches.';

-- What a person reads of new postings: the title and the message.
create or replace function private.describe_new_postings(p_search_name text, p_count bigint, p_first jsonb)
    returns table (title text, message text)
    language sql
    immutable
    set search_path = ''
as $$
    select case when p_count = 1 then 'New job for “' else p_count || ' new jobs for “' end || p_search_name || '”',
           string_agg(left(posting ->> 'title', 80) || coalesce(' at ' || left(posting ->> 'company', 60), ''), ', '
                      order by place)
               || case when p_count > count(*) then ' and ' || p_count - count(*) || ' more' else '' end
    from jsonb_array_elements(p_first) with ordinality as first (posting, place)
$$;
revoke all on function private.describe_new_postings(text, bigint, jsonb)
    from public, anon, authenticated, service_role;

-- What a run of a saved search found: in one transaction the new postings become one notification and its push message,
-- all postings are remembered, `last_run_at` is set, and the job is completed. `p_postings`: [{id, title, company,
-- location, posted_at}] in the order of the search, `p_searched_at` is when Adzuna was asked, and `p_since` belongs to
-- the query.
--
-- Returns {outcome, new_postings, notification_id, push_job_id}; outcome is told or nothing_new, or why nothing was
-- done: search_not_found, switched_off, search_changed, superseded (the caller has lost the job's lease).
create or replace function public.record_saved_search_alert(
    p_job_id uuid, p_lease_number bigint, p_saved_search_id uuid, p_since timestamptz, p_postings jsonb,
    p_searched_at timestamptz)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    -- Adzuna shows postings late, with the date that they have elsewhere.
    grace           constant interval := '2 days';
    search          public.saved_searches;
    alert           private.saved_search_alerts;
    since           timestamptz;
    unseen          record;
    message         record;
    notification_id uuid;
    push_job_id     uuid;
    result          jsonb;
begin
    -- Deleting an account locks `users` first, and what is written here refers to it. Locked in the same order, the two
    -- cannot deadlock.
    perform from public.users
    where id = (select user_id from public.saved_searches where id = p_saved_search_id)
    for key share;
    if not private.hold_background_job(p_job_id, p_lease_number) then
        return jsonb_build_object('outcome', 'superseded');
    end if;

    -- From here on, two runs of the same search wait for each other.
    perform from public.saved_searches where id = p_saved_search_id for no key update;
    search := private.saved_search_of_job(p_job_id, p_saved_search_id);
    select * into alert from private.saved_search_alerts where saved_search_id = search.id for update;
    if search.id is null then
        result := jsonb_build_object('outcome', 'search_not_found');
    elsif not private.is_alert_wanted(search) then
        result := jsonb_build_object('outcome', 'switched_off');
    elsif alert.since <> p_since then
        -- The change has made it due again.
        result := jsonb_build_object('outcome', 'search_changed');
    else
        since := greatest(alert.since, search.last_run_at - grace);

        with found as (
            select * from rows from (jsonb_to_recordset(p_postings) as (
                id text, title text, company text, location text, posted_at text))
                with ordinality as found (id, title, company, location, posted_at, place)
        ),
        new_postings as (
            select found.*,
                   -- The same posting comes from several boards, with an id from each.
                   row_number() over (partition by lower(title), lower(company), lower(location) order by place) as copy
            from found
            -- Dates are written so that they sort as text, and nothing guarantees that they are dates.
            where posted_at collate "C" >= to_char(since at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
              and not exists (select from private.saved_search_sightings
                              where saved_search_id = search.id and posting_id = found.id)
        ),
        sighted as (
            insert into private.saved_search_sightings as sighting (saved_search_id, posting_id, sighted_at)
            select distinct search.id, id, p_searched_at from found
            on conflict (saved_search_id, posting_id) do update
            set sighted_at = greatest(sighting.sighted_at, excluded.sighted_at)
        )
        select count(*) as number,
               coalesce(jsonb_agg(to_jsonb(new_postings) order by place), '[]') as postings
        into unseen
        from new_postings
        where copy = 1;

        if unseen.number > 0 then
            select * into message from private.describe_new_postings(
                search.search_name, unseen.number, jsonb_path_query_array(unseen.postings, '$[0 to 2]'));
            select told.notification_id, told.push_job_id into notification_id, push_job_id
            from private.notify_person(
                search.user_id, 'NEW_JOB_MATCH_SAVED_SEARCH', message.title, message.message, search.id, 'saved_search',
                jsonb_build_object('saved_search_id', search.id), private.may_disturb_from(search.user_id)) as told;
        end if;

        -- A posting that was last seen before that is too old to be reported again.
        delete from private.saved_search_sightings where saved_search_id = search.id and sighted_at < since;
        update public.saved_searches
        set last_run_at = greatest(last_run_at, p_searched_at)
        where id = search.id;
        update private.saved_search_alerts
        set next_at = private.next_alert_of_person(search.user_id, search.search_query, clock_timestamp())
        where saved_search_id = search.id;
        result := jsonb_build_object(
            'outcome', case when unseen.number > 0 then 'told' else 'nothing_new' end, 'new_postings', unseen.number,
            'notification_id', notification_id, 'push_job_id', push_job_id);
    end if;

    perform public.settle_background_jobs(jsonb_build_array(jsonb_build_object(
        'job_id', p_job_id, 'lease_number', p_lease_number, 'outcome', 'completed', 'result', result)));
    return result;
end
$$;
revoke all on function public.record_saved_search_alert(uuid, bigint, uuid, timestamptz, jsonb, timestamptz)
    from public, anon, authenticated, service_role;
grant execute on function public.record_saved_search_alert(uuid, bigint, uuid, timestamptz, jsonb, timestamptz)
    to service_role;
comment on function public.record_saved_search_alert(uuid, bigint, uuid, timestamptz, jsonb, timestamptz) is
    'Records what a run of a saved search found, and tells its person. '
    'Definer: it reads and writes schedules in the schema private. '
    'Bounds: only with a lease of the job whose current fencing token the caller knows; a person''s job reaches only '
    'that person''s searches; texts are cut.';
