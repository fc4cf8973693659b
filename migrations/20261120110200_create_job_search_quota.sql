-- The ledger of calls to Adzuna, which counts every attempt against four limits and says nowhere how many are left.

-- The limits of Adzuna's terms. Who has other ones agreed changes the rows.
create table if not exists private.job_search_limits (
    period interval primary key,
    calls  integer not null constraint job_search_limits_check_calls check (calls > 0)
);
-- A month is its longest: no calendar month then holds more calls than it may.
insert into private.job_search_limits (period, calls)
values ('1 minute', 25), ('1 day', 250), ('7 days', 1000), ('31 days', 2500)
on conflict (period) do nothing;

-- One row a call. `called_at` is when it was reserved, and once its outcome is known, when that came: Adzuna counted it
-- somewhere in between, so no window of Adzuna's holds more calls than ours.
create table if not exists private.job_search_calls (
    id        uuid primary key,
    called_at timestamptz not null
);
create index if not exists idx_job_search_calls_called_at on private.job_search_calls (called_at desc);

alter table private.job_search_limits enable row level security;
alter table private.job_search_calls enable row level security;
revoke all on table private.job_search_limits, private.job_search_calls
    from public, anon, authenticated, service_role;

-- Takes one call out of the allowance and answers null, or takes none and answers when there will be one. Callers queue
-- for the rows of the limits until the end of their transactions, so the count is exact however many come at once.
create or replace function private.reserve_job_search_call(p_call_id uuid)
    returns timestamptz
    language plpgsql
    set search_path = ''
as $$
declare
    moment  timestamptz;
    free_at timestamptz;
begin
    perform from private.job_search_limits order by period for update;
    moment := clock_timestamp(); -- after the wait, so that times grow in the order of the reservations

    -- A limit of n calls is spent while the n-th newest call lies within its period, and free when that one leaves it.
    select max(nth_newest.called_at + job_search_limits.period) into free_at
    from private.job_search_limits
    cross join lateral (
        select called_at from private.job_search_calls order by called_at desc offset calls - 1 limit 1) as nth_newest
    where nth_newest.called_at > moment - job_search_limits.period;

    if free_at is null then
        insert into private.job_search_calls (id, called_at) values (p_call_id, moment);
        delete from private.job_search_calls
        where called_at < moment - (select max(period) from private.job_search_limits);
    end if;
    return free_at;
end
$$;
revoke all on function private.reserve_job_search_call(uuid) from public, anon, authenticated, service_role;
