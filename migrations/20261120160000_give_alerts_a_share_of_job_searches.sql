-- Alerts of saved searches ask Adzuna too, out of a share of their own: they use up neither what a person may ask nor what
-- is left for everybody. Expand step: earlier calls were nobody's alert.

-- Null where alerts may have all there is.
alter table private.job_search_limits
    add column if not exists calls_for_alerts integer
        constraint job_search_limits_check_calls_for_alerts check (calls_for_alerts > 0),
    add column if not exists calls_for_alerts_per_person integer
        constraint job_search_limits_check_calls_for_alerts_per_person check (calls_for_alerts_per_person > 0);
-- Two fifths for alerts. Of these a person has as many as one search needs that runs every hour.
update private.job_search_limits as limits
set calls_for_alerts = share.calls, calls_for_alerts_per_person = share.calls_per_person
from (values (interval '1 minute', 10, null), (interval '1 day', 100, 24), (interval '7 days', 400, null),
             (interval '31 days', 1000, null)) as share (period, calls, calls_per_person)
where limits.period = share.period and limits.calls_for_alerts is null;

alter table private.job_search_calls add column if not exists is_alert boolean not null default false;
create index if not exists idx_job_search_calls_called_at_of_alerts
    on private.job_search_calls (called_at desc) where is_alert;

-- Takes one call out of the allowance and answers null in `free_at`, or takes none and answers when there will be one, and
-- whether the person has used up their own share: of what people ask, or of what alerts ask for them. Callers queue for the
-- rows of the limits until the end of their transactions, so the counts are exact however many come at once.
create or replace function private.reserve_job_search_call(
    p_call_id uuid, p_user_id uuid, p_is_alert boolean, out free_at timestamptz, out is_own_limit boolean)
    language plpgsql
    set search_path = ''
as $$
declare
    moment         timestamptz;
    alerts_free_at timestamptz;
    own_free_at    timestamptz;
begin
    perform from private.job_search_limits order by period for update;
    moment := clock_timestamp(); -- after the wait, so that times grow in the order of the reservations

    -- A limit of n calls is spent while the n-th newest call lies within its period, and free when that one leaves it.
    select max(of_all.called_at + limits.period), max(of_alerts.called_at + limits.period),
           max(own.called_at + limits.period)
    into free_at, alerts_free_at, own_free_at
    from (select period, calls,
                 case when p_is_alert then calls_for_alerts end as calls_for_alerts,
                 case when p_is_alert then calls_for_alerts_per_person else calls_per_person end as calls_of_person
          from private.job_search_limits) as limits
    left join lateral (
        select called_at from private.job_search_calls
        order by called_at desc offset limits.calls - 1 limit 1) as of_all
        on of_all.called_at > moment - limits.period
    left join lateral (
        select called_at from private.job_search_calls
        where is_alert and limits.calls_for_alerts is not null
        order by called_at desc offset limits.calls_for_alerts - 1 limit 1) as of_alerts
        on of_alerts.called_at > moment - limits.period
    left join lateral (
        select called_at from private.job_search_calls
        where user_id = p_user_id and is_alert = p_is_alert and limits.calls_of_person is not null
        order by called_at desc offset limits.calls_of_person - 1 limit 1) as own
        on own.called_at > moment - limits.period;

    is_own_limit := own_free_at is not null;
    free_at := greatest(free_at, alerts_free_at, own_free_at); -- which passes over nulls
    if free_at is null then
        insert into private.job_search_calls (id, called_at, user_id, is_alert)
        values (p_call_id, moment, p_user_id, p_is_alert);
        delete from private.job_search_calls
        where called_at < moment - (select max(period) from private.job_search_limits);
    end if;
end
$$;
revoke all on function private.reserve_job_search_call(uuid, uuid, boolean)
    from public, anon, authenticated, service_role;

-- How many calls alerts could make at this moment.
create or replace function private.job_search_calls_left_for_alerts()
    returns bigint
    language sql
    set search_path = ''
as $$
    select greatest(0, min(least(limits.calls - made.by_all, limits.calls_for_alerts - made.by_alerts)))
    from private.job_search_limits as limits
    cross join lateral (
        select count(*) as by_all, count(*) filter (where is_alert) as by_alerts
        from private.job_search_calls
        where called_at > clock_timestamp() - limits.period) as made
$$;
revoke all on function private.job_search_calls_left_for_alerts() from public, anon, authenticated, service_role;
