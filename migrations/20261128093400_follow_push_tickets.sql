-- What became of push messages: the push service keeps a receipt for a day, and says to ask for it after a quarter of
-- an hour.

-- One job for every thousand tickets that are due. Called every minute; the minute is part of the dedupe key, so that
-- several callers queue the same jobs.
create or replace function public.queue_due_push_receipts()
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    tickets_per_job constant integer := 1000;
    jobs_at_most    constant integer := 20;
    jobs            integer;
    queued          integer;
begin
    select ceil(count(*)::numeric / tickets_per_job) into jobs
    from (select from public.push_tickets
          where receipt_due_at <= clock_timestamp()
          limit tickets_per_job * jobs_at_most) as due;

    insert into public.background_jobs (job_type, payload, dedupe_key)
    select 'push_receipts', '{}',
           format('push_receipts:%s:%s', to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI'), number)
    from generate_series(1, jobs) as number
    on conflict (dedupe_key) do nothing;
    get diagnostics queued = row_count;
    return jsonb_build_object('queued', queued);
end
$$;
revoke all on function public.queue_due_push_receipts() from public, anon, authenticated, service_role;
grant execute on function public.queue_due_push_receipts() to service_role;
comment on function public.queue_due_push_receipts() is
    'Queues the jobs that ask for due receipts. '
    'Definer: so that it does not depend on what service_role is granted on the tables. '
    'Bounds: it takes no arguments; 20 jobs at most, and each once a minute.';

-- Up to a thousand tickets whose receipt is due, for one caller; another one gets others. A ticket that the caller
-- never comes back with is due again later. Tickets that are older than a day have lost their receipt, which is not
-- asked for.
create or replace function public.claim_push_receipts()
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    tickets_at_most constant integer := 1000;
    kept_for        constant interval := interval '24 hours';
    next_look       constant interval := interval '15 minutes';
    moment          constant timestamptz := clock_timestamp();
    tickets         jsonb;
begin
    if private.pass_circuit_breaker('expo') is not null then
        return '[]'; -- they stay due
    end if;
    update public.push_tickets
    set status = 'unknown', receipt_due_at = null
    where id in (select id from public.push_tickets
                 where receipt_due_at <= moment and sent_at < moment - kept_for
                 order by receipt_due_at
                 limit tickets_at_most
                 for update skip locked);

    with due as (
        select id from public.push_tickets
        where receipt_due_at <= moment
        order by receipt_due_at
        limit tickets_at_most
        for update skip locked
    ),
    claimed as (
        update public.push_tickets as ticket
        set receipt_due_at = moment + next_look, receipt_checks = receipt_checks + 1
        from due
        where ticket.id = due.id
        returning ticket.ticket_id
    )
    select jsonb_agg(ticket_id) into tickets from claimed;
    if tickets is null then
        perform private.give_back_trial('expo');
    end if;
    return coalesce(tickets, '[]');
end
$$;
revoke all on function public.claim_push_receipts() from public, anon, authenticated, service_role;
grant execute on function public.claim_push_receipts() to service_role;
comment on function public.claim_push_receipts() is
    'Claims the tickets whose receipt is due. '
    'Definer: so that it does not depend on what service_role is granted on the tables. '
    'Bounds: it takes no arguments; 1,000 tickets at most.';

-- Stores receipts, and revokes the devices that are gone. `p_receipts`: [{ticket_id, error, message, device_gone}],
-- where error is null for a message that was delivered. Recording the same again changes nothing.
create or replace function public.record_push_receipts(p_receipts jsonb)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    recorded bigint;
    revoked  bigint;
begin
    -- Devices before tickets, and in the same order as record_push_tickets, so that they cannot deadlock.
    perform from public.user_push_tokens as device
    where device.id in (
        select ticket.push_token_id
        from jsonb_to_recordset(p_receipts) as receipt (ticket_id text, device_gone boolean)
        join public.push_tickets as ticket on ticket.ticket_id = receipt.ticket_id
        where receipt.device_gone)
    order by device.id
    for no key update;

    -- Not a device that was registered again after the message was sent: the receipt says nothing about that.
    update public.user_push_tokens as device
    set revoked_at = clock_timestamp()
    from jsonb_to_recordset(p_receipts) as receipt (ticket_id text, device_gone boolean)
    join public.push_tickets as ticket on ticket.ticket_id = receipt.ticket_id
    where receipt.device_gone
      and device.id = ticket.push_token_id
      and device.revoked_at is null
      and device.last_seen_at <= ticket.sent_at;
    get diagnostics revoked = row_count;

    update public.push_tickets as ticket
    set status = case when receipt.error is null then 'delivered' else 'failed' end,
        error = left(receipt.error, 200),
        message = left(receipt.message, 1000),
        receipt_at = clock_timestamp(),
        receipt_due_at = null
    from jsonb_to_recordset(p_receipts) as receipt (ticket_id text, error text, message text)
    where ticket.ticket_id = receipt.ticket_id and ticket.status = 'sent';
    get diagnostics recorded = row_count;
    perform private.note_vendor_call('expo', 'succeeded');
    return jsonb_build_object('recorded', recorded, 'revoked', revoked);
end
$$;
revoke all on function public.record_push_receipts(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.record_push_receipts(jsonb) to service_role;
comment on function public.record_push_receipts(jsonb) is
    'Records receipts of push messages. '
    'Definer: so that it does not depend on what service_role is granted on the tables. '
    'Bounds: only tickets that await their receipt, each once; texts are cut.';
