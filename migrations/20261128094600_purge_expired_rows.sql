-- Deletes what nobody needs any more, daily, a few thousand rows at a time, so that no lock is held for long. Each kind
-- has an index that holds its rows in the order in which they go, and no others for longer than necessary: what is to
-- stay is not read to find out.

-- How long each kind of rows is kept. Whoever has agreed on other periods changes the rows; a kind without a row is kept
-- for ever.
create table if not exists private.retention_periods (
    kind     text primary key,
    keep_for interval not null,
    reason   text not null,
    constraint retention_periods_check_kind check (kind ~ '^[a-z_]{1,50}$'),
    constraint retention_periods_check_keep_for check (keep_for >= interval '1 day')
);
comment on table private.retention_periods is 'How long each kind of rows is kept, and why.';
alter table private.retention_periods enable row level security;
revoke all on table private.retention_periods from public, anon, authenticated, service_role;
insert into private.retention_periods (kind, keep_for, reason) values
    ('background_jobs', '7 days',
     'What they did is in the tables that they changed. No dedupe key is used again after a week.'),
    ('failed_background_jobs', '90 days',
     'For whoever looks for the cause.'),
    ('webhook_bodies', '30 days',
     'What Skyvern extracted is personal data, and once applied it is in the application. A month is for looking into '
     'complaints.'),
    ('webhook_events', '90 days', 'So that a repeated delivery is recognised. Nobody repeats one for longer than days.'),
    ('push_tickets', '30 days', 'Expo keeps receipts for a day; the rest is for looking into complaints.'),
    ('user_push_tokens', '90 days', 'A device that is gone. Registering it again brings it back.'),
    ('read_notifications', '180 days', 'The person has seen it, and what it tells of is in the application.'),
    ('unread_notifications', '365 days', 'A person who comes back after months still finds it.'),
    ('job_clicks', '2 days', 'They only tell whether a person has counted today; the counts are in the postings.'),
    ('inactive_jobs', '180 days',
     'A posting that comes back keeps its clicks and its embedding. What people keep of one is their own copy.'),
    ('deleted_applications', '180 days',
     'A person can take the deletion back, and is warned before they apply again. After half a year the posting is '
     'over.'),
    ('erased_application_runs', '90 days',
     'The runs of applications that are erased. They count towards the limits of a day, and a late event of one finds its '
     'person.'),
    ('resting_searches', '90 days',
     'Which postings a search has found, while its person wants no alerts. Switched on again, it begins anew.'),
    ('job_search_cache', '7 days', 'Counted from when it stops being fresh. Older results are not shown to anybody.'),
    ('job_search_leases', '1 day', 'Of a caller that vanished. Nobody waits for one longer than seconds.'),
    ('scraping_logs', '180 days', 'To compare the nightly syncs over months.'),
    ('cron_locks', '1 day', 'Taking an expired lock replaces it; these are of names that nobody uses any more.')
on conflict (kind) do nothing;

-- Queues one purge a day (UTC), however often it is called.
create or replace function public.queue_daily_purge()
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    queued integer;
begin
    insert into public.background_jobs (job_type, payload, dedupe_key)
    values ('purge', '{}', 'purge:' || to_char(now() at time zone 'utc', 'YYYY-MM-DD'))
    on conflict (dedupe_key) do nothing;
    get diagnostics queued = row_count;
    return jsonb_build_object('queued', queued);
end
$$;
revoke all on function public.queue_daily_purge() from public, anon, authenticated, service_role;
grant execute on function public.queue_daily_purge() to service_role;
comment on function public.queue_daily_purge() is
    'Queues the purge of the day. '
    'Definer: so that it does not depend on what service_role is granted on the tables. '
    'Bounds: it takes no arguments; one job a day.';

-- Deletes up to `p_limit` rows of one kind: those of a table that meet a condition, the oldest by a column first. With
-- `p_instead`, they are changed and not deleted. Says how many there were, and when the newest of them is from.
create or replace function private.purge_rows(
    p_table regclass, p_column name, p_condition text, p_instead text, p_after timestamptz, p_before timestamptz,
    p_limit integer, out purged integer, out reached timestamptz)
    language plpgsql
    set search_path = ''
as $$
begin
    execute format(
        'with expired as materialized (
             select ctid, %2$I as moment from %1$s
             where %3$s and %2$I >= $1 and %2$I < $2
             order by %2$I
             limit $3
             for update skip locked
         ),
         gone as (
             %4$s where ctid = any (array(select ctid from expired))
         )
         select count(*), max(moment) from expired',
        p_table, p_column, p_condition,
        case when p_instead is null then format('delete from %s', p_table)
             else format('update %s set %s', p_table, p_instead) end)
    into purged, reached
    using p_after, p_before, p_limit;
end
$$;
revoke all on function private.purge_rows(
    regclass, name, text, text, timestamptz, timestamptz, integer) from public, anon, authenticated, service_role;

-- Searches that rest: what they have found is forgotten. From then on they are as new, so that a person who switches
-- alerts on again is not told of the postings that were there before.
create or replace function private.purge_resting_searches(p_before timestamptz, p_limit integer)
    returns integer
    language sql
    set search_path = ''
as $$
    with resting as materialized (
        select alert.saved_search_id
        from private.saved_search_alerts as alert
        join public.saved_searches as search on search.id = alert.saved_search_id
        where alert.next_at is null and alert.since < p_before
          and (search.last_run_at is null or search.last_run_at < p_before)
        order by alert.since
        limit p_limit
        for update of alert skip locked
    ),
    forgotten as (
        delete from private.saved_search_sightings as sighting
        using resting
        where sighting.saved_search_id = resting.saved_search_id
    ),
    renewed as (
        update private.saved_search_alerts as alert
        set since = clock_timestamp()
        from resting
        where alert.saved_search_id = resting.saved_search_id
    )
    select count(*)::integer from resting
$$;
revoke all on function private.purge_resting_searches(timestamptz, integer)
    from public, anon, authenticated, service_role;

-- Deletes up to `p_limit` rows of each kind. Returns {purged, after}: how many of each kind there were, where as many as
-- the limit mean that there may be more; and where the next call is to go on, as its `p_after`. Without that it would
-- walk again over everything that the calls before it have deleted, since an index forgets rows only when it is
-- vacuumed.
create or replace function public.purge_expired_rows(p_limit integer default 2000, p_after jsonb default '{}')
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    moment  constant timestamptz := clock_timestamp();
    kind    record;
    from_on timestamptz;
    number  integer;
    purged  jsonb := '{}';
    reached jsonb := '{}';
begin
    for kind in
        select listed.*, moment - period.keep_for as before
        from (values
            ('background_jobs', 'public.background_jobs', 'updated_at',
             $cond$status = 'completed'$cond$, null),
            ('failed_background_jobs', 'public.background_jobs', 'updated_at',
             $cond$status = 'failed'$cond$, null),
            ('webhook_bodies', 'public.webhook_events', 'received_at',
             $cond$body <> '' and outcome <> 'waiting'$cond$, $set$body = ''$set$),
            ('webhook_events', 'public.webhook_events', 'received_at', 'true', null),
            ('push_tickets', 'public.push_tickets', 'sent_at', 'receipt_due_at is null', null),
            ('user_push_tokens', 'public.user_push_tokens', 'revoked_at', 'true', null),
            ('read_notifications', 'public.notifications', 'created_at', 'is_read', null),
            ('unread_notifications', 'public.notifications', 'created_at', 'not is_read', null),
            ('job_clicks', 'private.job_clicks', 'counted_on', 'true', null),
            ('inactive_jobs', 'public.jobs', 'updated_at', $cond$not is_active and source <> 'provider'$cond$, null),
            -- Not while a run may still report.
            ('deleted_applications', 'public.applications', 'deleted_at',
             $cond$submission_id is null and status <> 'PROCESSING_BY_SKYVERN'$cond$, null),
            ('erased_application_runs', 'private.application_runs', 'ended_at', 'application_id is null', null),
            ('resting_searches', null, null, null, null),
            ('job_search_cache', 'public.job_search_cache', 'expires_at', 'true', null),
            ('job_search_leases', 'private.job_search_leases', 'expires_at', 'true', null),
            ('scraping_logs', 'public.scraping_logs', 'completed_at', 'true', null),
            ('cron_locks', 'public.cron_locks', 'expires_at', 'true', null)
        ) as listed (name, of_table, of_column, condition, instead)
        join private.retention_periods as period on period.kind = listed.name
    loop
        from_on := coalesce((p_after ->> kind.name)::timestamptz, '-infinity');
        if from_on = 'infinity' then
            continue; -- there were no more
        end if;
        if kind.name = 'resting_searches' then
            number := private.purge_resting_searches(kind.before, p_limit);
        else
            select rows.purged, rows.reached into number, from_on
            from private.purge_rows(kind.of_table::regclass, kind.of_column, kind.condition, kind.instead, from_on,
                                    kind.before, p_limit) as rows;
        end if;
        purged := purged || jsonb_build_object(kind.name, number);
        reached := reached || jsonb_build_object(kind.name, case when number < p_limit then 'infinity' else from_on end);
    end loop;
    return jsonb_build_object('purged', purged, 'after', p_after || reached);
end
$$;
revoke all on function public.purge_expired_rows(integer, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.purge_expired_rows(integer, jsonb) to service_role;
comment on function public.purge_expired_rows(integer, jsonb) is
    'Deletes what nobody needs any more. '
    'Definer: so that it does not depend on what service_role is granted on the tables. '
    'Bounds: no more rows of each kind than p_limit, and none younger than private.retention_periods says; p_after can '
    'only leave rows out.';
