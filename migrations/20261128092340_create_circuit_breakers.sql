-- One circuit breaker for each vendor, in the database, so that all isolates share it: a vendor that does not work, or
-- does not let us in, is left alone for a while, and then one call tries whether that is over.
--
-- They are asked and told inside SQL functions that are called anyway. Without a row the breaker is closed, and then
-- nothing is written: both functions are one look at the primary key.

create table if not exists private.circuit_breakers (
    vendor      text primary key
        constraint circuit_breakers_check_vendor check (vendor in ('adzuna', 'expo', 'jsearch', 'openai', 'skyvern')),
    failures    integer not null default 0, -- in a row, while it is closed
    -- Until when nothing is called; null while it is closed. When this has passed, one call tries.
    open_until  timestamptz,
    -- failed: failures in a row; refused: bad credentials; spent: no credits or requests left; limited: too many
    -- requests. The last two concern only calls that cost something.
    reason      text constraint circuit_breakers_check_reason
        check (reason in ('failed', 'refused', 'spent', 'limited')),
    openings    integer not null default 0, -- since things went well for a while; each pause is longer than the last
    -- The one call that tries has until then to report. If it never does, another one tries.
    trial_until timestamptz,
    -- An operator's word, which stands until it is taken back: nothing is called, or everything is. Null: automatic.
    held        text constraint circuit_breakers_check_held check (held in ('open', 'closed')),
    updated_at  timestamptz not null default clock_timestamp(),
    constraint circuit_breakers_check_open_until check ((open_until is null) = (reason is null))
);
comment on table private.circuit_breakers is
    'Which vendors are in trouble, and until when they are left alone. No row: the vendor is called.';
alter table private.circuit_breakers enable row level security;
revoke all on table private.circuit_breakers from public, anon, authenticated, service_role;

-- How many seconds nothing is called; null if the vendor may be called, or if it is time to try.
--
-- `p_costs_nothing`: a call that neither starts nor spends anything, such as reading or cancelling a run. It goes on
-- while only credits or requests are used up.
create or replace function private.circuit_breaker_pause(p_vendor text, p_costs_nothing boolean default false)
    returns integer
    language sql
    set search_path = ''
as $$
    -- How soon to ask again while an operator holds it open: five minutes.
    select case when held = 'open' then 300 else ceil(extract(epoch from open_until - clock_timestamp())) end::integer
    from private.circuit_breakers
    where vendor = p_vendor
      and (held = 'open'
           or (held is null and open_until > clock_timestamp()
               and not (p_costs_nothing and reason in ('spent', 'limited'))))
$$;
revoke all on function private.circuit_breaker_pause(text, boolean) from public, anon, authenticated, service_role;

-- Whether the vendor may be called. Null: call it now, and report through note_vendor_call; if the breaker was open,
-- this is the one trial, so nothing else may stand in the way of the call, or give_back_trial follows. Otherwise how many
-- seconds to wait. Never waits for another transaction.
create or replace function private.pass_circuit_breaker(p_vendor text, p_costs_nothing boolean default false)
    returns integer
    language plpgsql
    set search_path = ''
as $$
declare
    -- Longer than any single call and what is recorded of it.
    trial_time constant interval := '1 minute';
    moment     timestamptz := clock_timestamp();
    pause      integer := private.circuit_breaker_pause(p_vendor, p_costs_nothing);
begin
    if pause is not null
       or not exists (select from private.circuit_breakers
                      where vendor = p_vendor and held is null and open_until is not null
                        and not (p_costs_nothing and reason in ('spent', 'limited'))) then
        return pause;
    end if;

    -- It is time to try. Of several callers at once one finds the row unlocked and no trial under way.
    perform from private.circuit_breakers
    where vendor = p_vendor and open_until <= moment and coalesce(trial_until <= moment, true)
    for update skip locked;
    if not found then
        return (select greatest(1, ceil(extract(epoch from trial_until - clock_timestamp())))
                from private.circuit_breakers where vendor = p_vendor);
    end if;
    update private.circuit_breakers set trial_until = moment + trial_time, updated_at = moment
    where vendor = p_vendor;
    return null;
end
$$;
revoke all on function private.pass_circuit_breaker(text, boolean) from public, anon, authenticated, service_role;

-- For a caller that was let through and makes no call after all, in the same transaction: the trial is another's.
create or replace function private.give_back_trial(p_vendor text)
    returns void
    language sql
    set search_path = ''
as $$
    update private.circuit_breakers set trial_until = null where vendor = p_vendor and trial_until is not null
$$;
revoke all on function private.give_back_trial(text) from public, anon, authenticated, service_role;

-- What came of a call: `succeeded` (also when the vendor refused just this request), `failed`, `limited` (too many
-- requests), `refused` (bad credentials) or `spent` (no credits or requests left). The last statement of its
-- transaction, or shortly before: the breaker's row stays locked until the end of it, if there is one.
--
-- `p_retry_after_seconds` is the vendor's own `Retry-After`.
create or replace function private.note_vendor_call(
    p_vendor text, p_outcome text, p_retry_after_seconds bigint default null, p_costs_nothing boolean default false)
    returns void
    language plpgsql
    set search_path = ''
as $$
declare
    failures_in_a_row constant integer := 5;
    -- After so long without an opening the next pause is a short one again.
    good_while        constant interval := '1 hour';
    moment            timestamptz := clock_timestamp();
    breaker           private.circuit_breakers;
    first_pause       interval;
    longest_pause     interval;
    pause             interval;
begin
    if p_outcome = 'succeeded' then
        if not exists (select from private.circuit_breakers where vendor = p_vendor) then
            return;
        end if;
        update private.circuit_breakers
        set failures = 0, open_until = null, reason = null, trial_until = null, updated_at = moment
        where vendor = p_vendor and (failures > 0 or open_until is not null)
          -- That a run can be read does not mean that one can be paid for.
          and not (p_costs_nothing and coalesce(reason in ('spent', 'limited'), false));
        delete from private.circuit_breakers
        where vendor = p_vendor and held is null and open_until is null and failures = 0
          and updated_at <= moment - case when openings > 0 then good_while else interval '0' end;
        return;
    end if;
    if p_outcome is null or p_outcome not in ('failed', 'limited', 'refused', 'spent') then
        perform private.refuse('invalid_input', 422,
            'the outcome is none of succeeded, failed, limited, refused, spent');
    end if;

    insert into private.circuit_breakers as known (vendor, failures) values (p_vendor, 1)
    on conflict (vendor) do update set failures = known.failures + 1, updated_at = moment
    returning * into breaker;
    -- Calls that were on their way when it opened say nothing new.
    if breaker.open_until > moment
       or (p_outcome = 'failed' and breaker.open_until is null and breaker.failures < failures_in_a_row) then
        return;
    end if;

    -- What passes by itself is tried soon; what somebody has to mend, or a new month, is tried seldom.
    if p_outcome in ('refused', 'spent') then
        first_pause := '5 minutes';
        longest_pause := '1 hour';
    else
        first_pause := '30 seconds';
        longest_pause := '15 minutes';
    end if;
    pause := least(first_pause * 2 ^ least(breaker.openings, 10), longest_pause);
    -- The vendor's word counts; more than a day is a mistake of its.
    pause := greatest(pause, make_interval(secs => least(greatest(p_retry_after_seconds, 0), 86400)));
    update private.circuit_breakers
    set open_until = moment + pause, reason = p_outcome, openings = openings + 1, failures = 0, trial_until = null,
        updated_at = moment
    where vendor = p_vendor;
end
$$;
revoke all on function private.note_vendor_call(text, text, bigint, boolean)
    from public, anon, authenticated, service_role;

-- The same for the backend, where no other SQL function is called after the vendor.
create or replace function public.note_vendor_call(
    p_vendor text, p_outcome text, p_retry_after_seconds bigint, p_costs_nothing boolean)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    perform private.note_vendor_call(p_vendor, p_outcome, p_retry_after_seconds, p_costs_nothing);
    return '{}';
end
$$;
revoke all on function public.note_vendor_call(text, text, bigint, boolean)
    from public, anon, authenticated, service_role;
grant execute on function public.note_vendor_call(text, text, bigint, boolean) to service_role;
comment on function public.note_vendor_call(text, text, bigint, boolean) is
    'What came of a call of a vendor, for its circuit breaker. '
    'Definer: the circuit breakers are in the schema private. '
    'Bounds: a known vendor and a known outcome; a pause is a day at most.';
