-- What nobody needs any more goes. Run daily, a few thousand rows at a time, so that no lock is held for long.

create index if not exists idx_background_jobs_updated_at_finished
    on public.background_jobs (updated_at) where status in ('completed', 'failed');
create index if not exists idx_webhook_events_received_at on public.webhook_events (received_at);
create index if not exists idx_push_tickets_sent_at on public.push_tickets (sent_at) where receipt_due_at is null;
create index if not exists idx_user_push_tokens_revoked_at
    on public.user_push_tokens (revoked_at) where revoked_at is not null;

create index if not exists idx_scraping_logs_completed_at
    on public.scraping_logs (completed_at) where completed_at is not null;

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

-- Deletes up to `p_limit` rows of each kind, and answers how many of each there were. As many as the limit means that
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
    -- Failed jobs stay for whoever looks into them. That a run was cancelled with its account is what keeps its late
    -- webhooks out of the inbox, so it stays for as long as anything in there.
    delete from public.background_jobs
    where id in (
        select id from public.background_jobs
        where (status = 'completed' and job_type <> 'cancel_skyvern_run' and updated_at < moment - interval '7 days')
           or (status in ('completed', 'failed') and updated_at < moment - interval '90 days')
        order by updated_at
        limit p_limit
        for update skip locked);
    get diagnostics jobs = row_count;

    -- What Skyvern brought back is personal. Once applied it is in the application; the event itself stays a while
    -- longer, so that it is known when it comes again.
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

    -- Whoever takes such a lock replaces it; of one that nobody takes any more nothing stays.
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
