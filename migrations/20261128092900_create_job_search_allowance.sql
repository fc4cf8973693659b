-- The ledger of calls to Adzuna, which counts every attempt against four limits and nowhere says how many calls are
-- left.

-- The limits of Adzuna's terms, and how they are shared out. Whoever has agreed on others changes the rows.
create table if not exists private.job_search_limits (
    period                      interval primary key,
    calls                       integer not null constraint job_search_limits_check_calls check (calls > 0),
    -- So that nobody uses up everybody's allowance. Null: a person may use all of it.
    calls_per_person            integer
        constraint job_search_limits_check_calls_per_person check (calls_per_person > 0),
    -- Alerts of saved searches have a share of their own: they use up neither a person's calls nor what is left for
    -- everybody. Null: alerts may use all of it.
    calls_for_alerts            integer
        constraint job_search_limits_check_calls_for_alerts check (calls_for_alerts > 0),
    calls_for_alerts_per_person integer
        constraint job_search_limits_check_calls_for_alerts_per_person check (calls_for_alerts_per_person > 0)
);
comment on table private.job_search_limits is 'The limits of calls to Adzuna, and how they are shared out.';
-- A month is 31 days, so that no calendar month holds more calls than it may. Two fifths are for alerts; of these a
-- person has as many as a search needs that runs every hour.
--
-- A person has a tenth of a day, and less of what is longer, where the limits are tighter than they look: 2,500 a month
-- are 80 a day. So it takes seventeen accounts that do nothing else to use up what people may ask in a month, and ten for
-- a day, not three. Repeated searches cost nothing, so 25 new ones a day are many. The shares are the same for all tiers:
-- what a paying person would have more is taken from other paying ones as well.
insert into private.job_search_limits (period, calls, calls_per_person, calls_for_alerts, calls_for_alerts_per_person)
values ('1 minute', 25, 5, 10, null), ('1 day', 250, 25, 100, 24), ('7 days', 1000, 75, 400, null),
       ('31 days', 2500, 150, 1000, null)
on conflict (period) do nothing;

-- One row per call. `called_at` is when it was reserved, and once its outcome is known, when that came: Adzuna counted
-- it somewhere in between, so no window of Adzuna's holds more calls than ours.
create table if not exists private.job_search_calls (
    id        uuid primary key,
    called_at timestamptz not null,
    -- A deleted person's calls stay, because Adzuna goes on counting them, but no longer say whose they were.
    user_id   uuid,
    is_alert  boolean not null default false,
    constraint job_search_calls_fk_user foreign key (user_id) references public.users (id) on delete set null
);
comment on table private.job_search_calls is 'The ledger of calls to Adzuna.';
create index if not exists idx_job_search_calls_called_at on private.job_search_calls (called_at desc);
create index if not exists idx_job_search_calls_user_id_called_at
    on private.job_search_calls (user_id, called_at desc);
create index if not exists idx_job_search_calls_called_at_of_alerts
    on private.job_search_calls (called_at desc) where is_alert;

alter table private.job_search_limits enable row level security;
alter table private.job_search_calls enable row level security;
revoke all on table private.job_search_limits, private.job_search_calls
    from public, anon, authenticated, service_role;

-- Takes one call out of the allowance and returns null in `free_at`, or takes none and returns when there will be one,
-- and whether the person has used up their own share: of what people ask, or of what alerts ask for them. Callers wait
-- for the rows of the limits until the end of their transactions, so the counts are exact however many come at once.
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

    -- A limit of n calls is spent while the n-th newest call is within its period, and free when that call leaves it.
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
    free_at := greatest(free_at, alerts_free_at, own_free_at); -- which ignores nulls
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
