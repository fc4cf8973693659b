-- A limit for each person beside those of everybody, so that nobody uses up the allowance of all. Expand step: calls from
-- before are nobody's, and count for everybody alone.

-- Null where a person may have all there is.
alter table private.job_search_limits
    add column if not exists calls_per_person integer
        constraint job_search_limits_check_calls_per_person check (calls_per_person > 0);
update private.job_search_limits set calls_per_person = 10
where period = interval '1 minute' and calls_per_person is null;
update private.job_search_limits set calls_per_person = 100
where period = interval '1 day' and calls_per_person is null;

-- A deleted person's calls stay, because Adzuna goes on counting them, but no longer say whose they were.
alter table private.job_search_calls add column if not exists user_id uuid;
do $$
begin
    if not exists (select from pg_catalog.pg_constraint where conname = 'job_search_calls_fk_user') then
        alter table private.job_search_calls add constraint job_search_calls_fk_user
            foreign key (user_id) references public.users (id) on delete set null;
    end if;
end
$$;
create index if not exists idx_job_search_calls_user_id_called_at
    on private.job_search_calls (user_id, called_at desc);

-- Takes one call out of the allowance and answers null in `free_at`, or takes none and answers when there will be one, and
-- whether the person has used up their own share. Callers queue for the rows of the limits until the end of their
-- transactions, so both counts are exact however many come at once.
create or replace function private.reserve_job_search_call(
    p_call_id uuid, p_user_id uuid, out free_at timestamptz, out is_own_limit boolean)
    language plpgsql
    set search_path = ''
as $$
declare
    moment      timestamptz;
    own_free_at timestamptz;
begin
    perform from private.job_search_limits order by period for update;
    moment := clock_timestamp(); -- after the wait, so that times grow in the order of the reservations

    -- A limit of n calls is spent while the n-th newest call lies within its period, and free when that one leaves it.
    select max(of_all.called_at + limits.period), max(own.called_at + limits.period) into free_at, own_free_at
    from private.job_search_limits as limits
    left join lateral (
        select called_at from private.job_search_calls
        order by called_at desc offset limits.calls - 1 limit 1) as of_all
        on of_all.called_at > moment - limits.period
    left join lateral (
        select called_at from private.job_search_calls
        where user_id = p_user_id and limits.calls_per_person is not null
        order by called_at desc offset limits.calls_per_person - 1 limit 1) as own
        on own.called_at > moment - limits.period;

    is_own_limit := own_free_at is not null;
    free_at := greatest(free_at, own_free_at); -- which passes over nulls
    if free_at is null then
        insert into private.job_search_calls (id, called_at, user_id) values (p_call_id, moment, p_user_id);
        delete from private.job_search_calls
        where called_at < moment - (select max(period) from private.job_search_limits);
    end if;
end
$$;
revoke all on function private.reserve_job_search_call(uuid, uuid) from public, anon, authenticated, service_role;
