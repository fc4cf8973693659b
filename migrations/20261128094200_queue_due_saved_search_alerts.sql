-- Queues the alerts of the searches that are due: as many different searches as alerts may ask Adzuna for at this
-- moment, and no more than three at a time per person. People take turns, those first whose turn is the longest ago:
-- whoever had one is behind everybody who waits, however many searches they still have. What there is no room for
-- stays due. Safe to call from many places at once.
create or replace function public.queue_due_saved_search_alerts()
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    moment          constant timestamptz := clock_timestamp();
    people_at_once  constant integer := 200;
    of_one_person   constant integer := 3;
    -- More than three, since some of them may turn out to be queued already, or to be no search.
    looked_at       constant integer := 10;
    -- For an alert that the queue has given up on.
    at_the_latest   constant interval := '6 hours';
    room            constant bigint := private.job_search_calls_left_for_alerts();
    queued_count    integer;
    had_their_turn  uuid[];
begin
    if room = 0 then
        return jsonb_build_object('queued', 0);
    end if;

    -- A person who is just being deleted is skipped: a job refers to the row in `users`.
    with people as materialized (
        select turn.user_id, turn.due_at
        from private.saved_search_alert_turns as turn
        join public.users as person on person.id = turn.user_id
        where turn.due_at <= moment
        order by turn.due_at
        limit people_at_once
        for update of turn skip locked
        for key share of person skip locked
    ),
    due as materialized (
        select alert.*, people.due_at as waits_since, search.search_query
        from people
        cross join lateral (
            select saved_search_id, user_id, next_at, job_id
            from private.saved_search_alerts
            where user_id = people.user_id and next_at <= moment
            order by next_at
            limit looked_at
            for update skip locked) as alert
        join public.saved_searches as search on search.id = alert.saved_search_id
    ),
    judged as materialized (
        select due.*,
               coalesce(last_job.status in ('pending', 'processing'), false) as is_queued,
               -- The search stays invalid until the person changes it, which clears the job.
               coalesce(last_job.status = 'failed' and last_job.error = 'invalid_search', false) as is_invalid
        from due
        left join public.background_jobs as last_job on last_job.id = due.job_id
    ),
    numbered as (
        select judged.*,
               row_number() over (partition by user_id order by next_at, saved_search_id)
                   + (select count(*) from public.background_jobs as job
                      where job.user_id = judged.user_id and job.status in ('pending', 'processing')
                        and job.job_type = 'saved_search_alert') as place
        from judged
        where not is_queued and not is_invalid
    ),
    asked as (
        select search_query from numbered
        where place <= of_one_person
        group by search_query
        -- Nobody's second one before everybody's first.
        order by min(place), min(waits_since)
        limit room
    ),
    chosen as materialized (
        select * from numbered
        where place <= of_one_person and search_query in (select search_query from asked)
    ),
    queued as (
        insert into public.background_jobs (user_id, job_type, payload, dedupe_key)
        select user_id, 'saved_search_alert', jsonb_build_object('saved_search_id', saved_search_id),
               format('saved_search_alert:%s:%s', saved_search_id, extract(epoch from next_at))
        from chosen
        on conflict (dedupe_key) do nothing
        returning id, (payload ->> 'saved_search_id')::uuid as saved_search_id
    ),
    scheduled as (
        update private.saved_search_alerts as alert
        set job_id = coalesce(queued.id, alert.job_id),
            next_at = case when not judged.is_invalid then least(
                moment + at_the_latest,
                private.next_alert_of_person(judged.user_id, judged.search_query, moment)) end
        from judged
        left join chosen on chosen.saved_search_id = judged.saved_search_id
        left join queued on queued.saved_search_id = judged.saved_search_id
        where alert.saved_search_id = judged.saved_search_id
          and (chosen.saved_search_id is not null or judged.is_queued or judged.is_invalid)
    )
    select (select count(*) from queued),
           array(select user_id from people
                 where user_id in (select user_id from chosen)
                    or user_id not in (select user_id from numbered where place <= of_one_person))
    into queued_count, had_their_turn;

    -- Those who had a turn, and those for whom there was nothing to do. All others keep their places in the line.
    update private.saved_search_alert_turns as turn
    set due_at = case when next.due_at <= moment then clock_timestamp() else next.due_at end
    from unnest(had_their_turn) as person (id)
    left join lateral (
        select min(next_at) as due_at from private.saved_search_alerts where user_id = person.id) as next on true
    where turn.user_id = person.id;
    return jsonb_build_object('queued', queued_count);
end
$$;
revoke all on function public.queue_due_saved_search_alerts() from public, anon, authenticated, service_role;
grant execute on function public.queue_due_saved_search_alerts() to service_role;
comment on function public.queue_due_saved_search_alerts() is
    'Queues the alerts that are due. '
    'Definer: it reads and writes schedules in the schema private. '
    'Bounds: it takes no arguments; 200 people at a time, no more than Adzuna''s allowance for alerts, and three per '
    'person.';
