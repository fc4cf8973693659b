-- Queues the alerts of the searches that are due, those that have waited longest first: as many different searches as
-- alerts may ask Adzuna for at this moment, and no more than three at a time per person. What there is no room for
-- stays due. Safe to call from many places at once.
create or replace function public.queue_due_saved_search_alerts()
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    moment         constant timestamptz := clock_timestamp();
    considered     constant integer := 200;
    of_one_person  constant integer := 3;
    -- For an alert that the queue has given up on, or whose person has three waiting.
    later          constant interval := '1 hour';
    room           constant bigint := private.job_search_calls_left_for_alerts();
    queued_count   integer;
begin
    if room = 0 then
        return jsonb_build_object('queued', 0);
    end if;

    -- A person who is just being deleted is skipped: a job refers to the row in `users`.
    with due as materialized (
        select alert.saved_search_id, alert.next_at, alert.job_id, search.user_id, search.search_query
        from private.saved_search_alerts as alert
        join public.saved_searches as search on search.id = alert.saved_search_id
        join public.users as person on person.id = search.user_id
        where alert.next_at <= moment
        order by alert.next_at
        limit considered
        for update of alert skip locked
        for key share of person skip locked
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
        order by min(next_at)
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
            next_at = case
                when judged.is_invalid then null
                when chosen.saved_search_id is null then moment + later
                else least(moment + 6 * later, private.next_alert_at(
                    judged.search_query, private.alert_frequency(judged.user_id), moment)) end
        from judged
        left join chosen on chosen.saved_search_id = judged.saved_search_id
        left join queued on queued.saved_search_id = judged.saved_search_id
        where alert.saved_search_id = judged.saved_search_id
          and (chosen.saved_search_id is not null or judged.is_queued or judged.is_invalid
               or exists (select from numbered where numbered.saved_search_id = judged.saved_search_id
                                                 and numbered.place > of_one_person))
    )
    select count(*) into queued_count from queued;
    return jsonb_build_object('queued', queued_count);
end
$$;
revoke all on function public.queue_due_saved_search_alerts() from public, anon, authenticated, service_role;
grant execute on function public.queue_due_saved_search_alerts() to service_role;
comment on function public.queue_due_saved_search_alerts() is
    'Queues the alerts that are due. '
    'Definer: it reads and writes schedules in the schema private. '
    'Bounds: it takes no arguments; 200 searches at a time, no more than Adzuna''s allowance for alerts, and three per '
    'person.';
