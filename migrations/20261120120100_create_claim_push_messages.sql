-- Before push messages are sent: which devices each goes to, and, for those that wait in the queue, what it says. One
-- entry of `p_messages` is {"user_id"} or {"job_id"}; the answer has one for each, in the same order.
--
-- A queued message is leased, so that of several that want to send it at the same time one does. Its devices are those
-- that have no ticket of an earlier attempt.
create or replace function public.claim_push_messages(p_messages jsonb)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    -- Longer than sending may take, retries included.
    lease    constant interval := interval '60 seconds';
    read_at  constant timestamptz := clock_timestamp();
    messages jsonb;
begin
    with asked as (
        select listed.place, (listed.wanted ->> 'job_id')::uuid as job_id, (listed.wanted ->> 'user_id')::uuid as user_id
        from jsonb_array_elements(p_messages) with ordinality as listed (wanted, place)
    ),
    due as materialized (
        select job.id
        from public.background_jobs as job
        where job.id in (select asked.job_id from asked)
          and job.job_type = 'push_notification'
          and job.retry_count < job.max_attempts
          and ((job.status = 'pending' and job.run_at <= read_at)
               or (job.status = 'processing' and job.lease_expires_at <= read_at))
        for update skip locked
    ),
    claimed as (
        update public.background_jobs as job
        set status = 'processing',
            -- Whoever held the lease until it expired has used up an attempt.
            retry_count = job.retry_count + case when job.status = 'processing' then 1 else 0 end,
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

    return jsonb_build_object('read_at', read_at, 'messages', messages);
end
$$;
revoke all on function public.claim_push_messages(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.claim_push_messages(jsonb) to service_role;
