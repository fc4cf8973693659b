-- Before and after push messages are sent: who gets what, and what the push service said.

-- Before push messages are sent: which devices each goes to, and, for those that wait in the queue, what it says. One
-- entry of `p_messages` is {user_id} or {job_id, lease_number}; the result has one for each, in the same order.
--
-- A queued message is leased, so that of several callers that want to send it at once one does. A worker that already
-- holds the lease hands it over with `lease_number`; without it, a message that somebody holds is not sent. The devices
-- are those without a ticket of an earlier attempt.
--
-- While the push service's circuit breaker is open nothing is sent: `retry_after_seconds` says until when, and what a
-- worker hands over goes back to the queue for so long, without losing an attempt.
create or replace function public.claim_push_messages(p_messages jsonb)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    -- Longer than sending may take, retries included.
    lease    constant interval := interval '30 seconds';
    read_at  constant timestamptz := clock_timestamp();
    pause    constant integer := private.pass_circuit_breaker('expo');
    messages jsonb;
begin
    if pause is not null then
        perform public.settle_background_jobs(coalesce(jsonb_agg(wanted || jsonb_build_object(
            'outcome', 'put_back', 'retry_after_seconds', pause)), '[]'))
        from jsonb_array_elements(p_messages) as wanted
        where wanted ->> 'lease_number' is not null;
        return jsonb_build_object('read_at', read_at, 'messages', '[]'::jsonb, 'retry_after_seconds', pause);
    end if;

    with asked as (
        select listed.place, (listed.wanted ->> 'job_id')::uuid as job_id, (listed.wanted ->> 'user_id')::uuid as user_id,
               (listed.wanted ->> 'lease_number')::bigint as lease_number
        from jsonb_array_elements(p_messages) with ordinality as listed (wanted, place)
    ),
    due as materialized (
        select job.id, job.lease_number = asked.lease_number as is_handed_over
        from public.background_jobs as job
        join asked on asked.job_id = job.id
        where job.job_type = 'push_notification'
          and job.retry_count < job.max_attempts
          and case when asked.lease_number is null
                   then (job.status = 'pending' and job.run_at <= read_at)
                        or (job.status = 'processing' and job.lease_expires_at <= read_at)
                   else job.status = 'processing' and job.lease_number = asked.lease_number end
        for update of job skip locked
    ),
    claimed as (
        update public.background_jobs as job
        set status = 'processing',
            -- A lease that expired has used up an attempt.
            retry_count = job.retry_count
                          + case when job.status = 'processing' and due.is_handed_over is not true then 1 else 0 end,
            locked_by = 'trigger-push-notification',
            lease_expires_at = read_at + lease,
            lease_number = job.lease_number + 1
        from due
        where job.id = due.id
        returning job.id, job.user_id, job.payload, job.lease_number
    )
    select coalesce(jsonb_agg(
        case
            when asked.job_id is not null and claimed.id is null then
                jsonb_build_object('claimed', false, 'job_status', (select job.status from public.background_jobs as job
                                                                    where job.id = asked.job_id), 'devices', '[]'::jsonb)
            else
                jsonb_build_object('claimed', true, 'lease_number', claimed.lease_number, 'payload', claimed.payload,
                                   'devices', coalesce(reached.devices, '[]'::jsonb))
        end order by asked.place), '[]'::jsonb)
    into messages
    from asked
    left join claimed on claimed.id = asked.job_id
    left join lateral (
        select jsonb_agg(jsonb_build_object('id', device.id, 'token', device.token)
                         order by device.last_seen_at desc, device.id) as devices
        from public.user_push_tokens as device
        where device.user_id = coalesce(claimed.user_id, asked.user_id)
          and device.revoked_at is null
          and not exists (select from public.push_tickets as ticket
                          where ticket.job_id = claimed.id and ticket.push_token_id = device.id)
    ) as reached on true;

    if not jsonb_path_exists(messages, '$[*].devices[*]') then
        perform private.give_back_trial('expo'); -- there is nothing to send
    end if;

    return jsonb_build_object('read_at', read_at, 'messages', messages);
end
$$;
revoke all on function public.claim_push_messages(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.claim_push_messages(jsonb) to service_role;
comment on function public.claim_push_messages(jsonb) is
    'Leases queued push messages and lists the devices they go to. '
    'Definer: so that it does not depend on what service_role is granted on the tables. '
    'Bounds: only jobs of the type push_notification that are due, or whose fencing token the caller knows; only '
    'devices of the person concerned, 20 at most.';

-- After push messages were sent: the tickets, the devices that are gone, and the outcome of the jobs, in one
-- transaction. Recording the same again changes nothing.
--
-- `p_tickets`: {device_id, job_id, ticket_id, error, message, device_gone}, one for each device that got a response.
-- `p_jobs`: as in settle_background_jobs.
-- `p_read_at`: what claim_push_messages returned.
create or replace function public.record_push_tickets(p_read_at timestamptz, p_tickets jsonb, p_jobs jsonb)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    -- The push service says to ask after a quarter of an hour.
    receipt_after constant interval := interval '15 minutes';
    recorded      bigint;
    revoked       bigint;
    jobs          jsonb;
begin
    -- Deleting a person deletes devices and jobs at any time, so what a ticket refers to is locked first.
    perform from public.background_jobs as job
    where job.id in (select reported.job_id from jsonb_to_recordset(p_jobs) as reported (job_id uuid))
    order by job.id
    for update;
    perform from public.user_push_tokens as device
    where device.id in (select ticket.device_id from jsonb_to_recordset(p_tickets) as ticket (device_id uuid))
    order by device.id
    for no key update;

    insert into public.push_tickets (push_token_id, job_id, ticket_id, status, error, message, receipt_due_at)
    select device.id, job.id, ticket.ticket_id, case when ticket.ticket_id is null then 'failed' else 'sent' end,
           left(ticket.error, 200), left(ticket.message, 1000),
           case when ticket.ticket_id is not null then clock_timestamp() + receipt_after end
    from jsonb_to_recordset(p_tickets) as ticket (
        device_id uuid, job_id uuid, ticket_id text, error text, message text)
    join public.user_push_tokens as device on device.id = ticket.device_id
    left join public.background_jobs as job on job.id = ticket.job_id
    on conflict (ticket_id) do nothing;
    get diagnostics recorded = row_count;

    -- Not a device that was registered again in the meantime: the ticket is older than that.
    update public.user_push_tokens as device
    set revoked_at = clock_timestamp()
    where device.id in (select ticket.device_id
                        from jsonb_to_recordset(p_tickets) as ticket (device_id uuid, device_gone boolean)
                        where ticket.device_gone)
      and device.revoked_at is null
      and device.last_seen_at <= p_read_at;
    get diagnostics revoked = row_count;

    jobs := public.settle_background_jobs(p_jobs);
    if exists (select from jsonb_to_recordset(p_tickets) as ticket (ticket_id text, error text)
               where ticket_id is not null or error <> 'invalid_token') then -- which is known without asking
        perform private.note_vendor_call('expo', 'succeeded');
    end if;

    return jsonb_build_object('recorded', recorded, 'revoked', revoked, 'jobs', jobs);
end
$$;
revoke all on function public.record_push_tickets(timestamptz, jsonb, jsonb)
    from public, anon, authenticated, service_role;
grant execute on function public.record_push_tickets(timestamptz, jsonb, jsonb) to service_role;
comment on function public.record_push_tickets(timestamptz, jsonb, jsonb) is
    'Records what the push service said to messages. '
    'Definer: so that it does not depend on what service_role is granted on the tables. '
    'Bounds: devices and jobs that exist; a ticket id is recorded once; jobs as in settle_background_jobs; texts are '
    'cut.';
