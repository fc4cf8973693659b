-- Deletes what nobody needs any more, daily, a few thousand rows at a time, so that no lock is held for long.

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

-- Deletes up to `p_limit` rows of each kind, and returns how many of each there were. As many as the limit means that
-- there may be more.
create or replace function public.purge_expired_rows(p_limit integer default 2000)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    moment  constant timestamptz := clock_timestamp();
    jobs    integer;
    bodies  integer;
    events  integer;
    tickets integer;
    devices integer;
    logs    integer;
    locks   integer;
begin
    -- Failed jobs are kept for whoever investigates them.
    delete from public.background_jobs
    where id in (
        select id from public.background_jobs
        where (status = 'completed' and updated_at < moment - interval '7 days')
           or (status in ('completed', 'failed') and updated_at < moment - interval '90 days')
        order by updated_at
        limit p_limit
        for update skip locked);
    get diagnostics jobs = row_count;

    -- What Skyvern extracted is personal data. Once applied it is in the application; the event itself is kept longer,
    -- so that a repeated delivery is recognised.
    update public.webhook_events
    set body = ''
    where id in (
        select id from public.webhook_events
        where received_at < moment - interval '30 days' and body <> '' and outcome <> 'waiting'
        order by received_at
        limit p_limit
        for update skip locked);
    get diagnostics bodies = row_count;
    delete from public.webhook_events
    where id in (
        select id from public.webhook_events
        where received_at < moment - interval '90 days'
        order by received_at
        limit p_limit
        for update skip locked);
    get diagnostics events = row_count;

    delete from public.push_tickets
    where id in (
        select id from public.push_tickets
        where receipt_due_at is null and sent_at < moment - interval '30 days'
        order by sent_at
        limit p_limit
        for update skip locked);
    get diagnostics tickets = row_count;

    delete from public.user_push_tokens
    where id in (
        select id from public.user_push_tokens
        where revoked_at < moment - interval '90 days'
        order by revoked_at
        limit p_limit
        for update skip locked);
    get diagnostics devices = row_count;

    delete from public.scraping_logs
    where id in (
        select id from public.scraping_logs
        where completed_at < moment - interval '180 days'
        order by completed_at
        limit p_limit
        for update skip locked);
    get diagnostics logs = row_count;

    -- Taking an expired lock replaces it; one that nobody takes any more is deleted here.
    delete from public.cron_locks
    where lock_name in (
        select lock_name from public.cron_locks
        where expires_at < moment - interval '1 day'
        limit p_limit
        for update skip locked);
    get diagnostics locks = row_count;

    return jsonb_build_object(
        'background_jobs', jobs, 'webhook_bodies', bodies, 'webhook_events', events, 'push_tickets', tickets,
        'user_push_tokens', devices, 'scraping_logs', logs, 'cron_locks', locks);
end
$$;
revoke all on function public.purge_expired_rows(integer) from public, anon, authenticated, service_role;
grant execute on function public.purge_expired_rows(integer) to service_role;
comment on function public.purge_expired_rows(integer) is
    'Deletes what nobody needs any more. '
    'Definer: so that it does not depend on what service_role is granted on the tables. '
    'Bounds: no more rows of each kind than p_limit; how old they must be is fixed in the function.';
