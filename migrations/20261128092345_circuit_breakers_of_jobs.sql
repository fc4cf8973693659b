-- Circuit breakers and the queue: jobs wait while the vendor that they call is left alone, and how they end says how the
-- vendor is.

-- What each type of job calls, as far as it is told here. A type that takes the trial itself is listed too, so that it is
-- not claimed and put back again and again.
create or replace function private.paused_job_types()
    returns text[]
    language sql
    set search_path = ''
as $$
    select coalesce(array_agg(called.job_type), '{}')
    from private.circuit_breakers as breaker
    join (values ('cancel_skyvern_run', 'skyvern', true), ('reconcile_application', 'skyvern', true),
                 ('submit_application', 'skyvern', false), ('push_notification', 'expo', false),
                 ('push_receipts', 'expo', false), ('saved_search_alert', 'adzuna', false),
                 ('job_sync', 'jsearch', false))
        as called (job_type, vendor, costs_nothing) on called.vendor = breaker.vendor
    where private.circuit_breaker_pause(called.vendor, called.costs_nothing) is not null
$$;
revoke all on function private.paused_job_types() from public, anon, authenticated, service_role;

-- Of jobs that are about to be claimed, those that may be. Cancelling a run asks nobody before it calls Skyvern, so it is
-- decided here: while it is to be seen whether Skyvern works again, one job tries that, and the others wait.
create or replace function private.one_cancellation_on_trial(p_job_ids uuid[])
    returns uuid[]
    language plpgsql
    set search_path = ''
as $$
declare
    cancellations uuid[];
begin
    if not exists (select from private.circuit_breakers
                   where vendor = 'skyvern' and held is null and open_until is not null
                     and reason not in ('spent', 'limited')) then
        return p_job_ids;
    end if;
    cancellations := array(
        select id from public.background_jobs
        where id = any (p_job_ids) and job_type = 'cancel_skyvern_run'
        order by run_at, id);
    if cancellations = '{}' then
        return p_job_ids;
    end if;
    if private.pass_circuit_breaker('skyvern', true) is null then
        cancellations := cancellations[2:];
    end if;
    return array(select id from unnest(p_job_ids) as job (id) where id <> all (cancellations));
end
$$;
revoke all on function private.one_cancellation_on_trial(uuid[]) from public, anon, authenticated, service_role;

-- What the code of a vendor's fault says about the vendor, as `CallOutcome` in shared/src/vendors says it; null for any
-- other code.
create or replace function private.call_outcome(p_code text)
    returns text
    language sql
    immutable
    set search_path = ''
as $$
    select case substring(p_code from '^(?:adzuna|expo|jsearch|openai|skyvern)_(.*)$')
        when 'rejected' then 'succeeded'
        when 'failed' then 'failed'
        when 'timed_out' then 'failed'
        when 'unreachable' then 'failed'
        when 'unreadable' then 'failed'
        when 'rate_limited' then 'limited'
        when 'unauthorized' then 'refused'
        when 'unknown_path' then 'refused'
        when 'credits_exhausted' then 'spent'
        when 'quota_spent' then 'spent'
    end
$$;
revoke all on function private.call_outcome(text) from public, anon, authenticated, service_role;

-- Tells the circuit breakers how jobs ended that call a vendor between no other SQL functions. `p_jobs` as in
-- settle_background_jobs, which calls it last. It looks at the jobs only if there is something to tell.
create or replace function private.note_settled_jobs(p_jobs jsonb)
    returns void
    language plpgsql
    set search_path = ''
as $$
declare
    ended record;
begin
    if not exists (select from private.circuit_breakers where vendor = 'skyvern')
       and not exists (select from jsonb_to_recordset(p_jobs) as reported (error text)
                       where private.call_outcome(error) <> 'succeeded') then
        return;
    end if;
    for ended in
        select case job.job_type when 'push_receipts' then 'expo' else 'skyvern' end as vendor,
               coalesce(private.call_outcome(reported.error), 'succeeded') as outcome
        from jsonb_to_recordset(p_jobs) as reported (job_id uuid, outcome text, error text, result jsonb)
        join public.background_jobs as job on job.id = reported.job_id
        where case job.job_type
                when 'push_receipts' then private.call_outcome(reported.error) is not null
                when 'cancel_skyvern_run' then
                    reported.outcome = 'completed' or private.call_outcome(reported.error) is not null
                when 'reconcile_application' then
                    private.call_outcome(reported.error) is not null
                    -- Otherwise Skyvern was not asked.
                    or (reported.outcome = 'completed' and reported.result ->> 'found'
                        not in ('not_found', 'in_progress', 'just_heard_of', 'settled'))
                else false end
        order by coalesce(private.call_outcome(reported.error), 'succeeded') = 'succeeded'
    loop
        perform private.note_vendor_call(ended.vendor, ended.outcome, p_costs_nothing => true);
    end loop;
end
$$;
revoke all on function private.note_settled_jobs(jsonb) from public, anon, authenticated, service_role;

-- For a question about what to ask Skyvern: the question, or that it has to wait {retry_after_seconds}.
create or replace function private.unless_skyvern_is_paused(p_question jsonb)
    returns jsonb
    language plpgsql
    set search_path = ''
as $$
declare
    pause integer := private.pass_circuit_breaker('skyvern', true);
begin
    if pause is null then
        return p_question;
    end if;
    return jsonb_build_object('outcome', 'paused', 'retry_after_seconds', pause);
end
$$;
revoke all on function private.unless_skyvern_is_paused(jsonb) from public, anon, authenticated, service_role;
