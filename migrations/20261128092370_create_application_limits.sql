-- How much may be spent for a person: each run at Skyvern costs money. An operator changes the rows.
create table if not exists private.application_limits (
    tier    public.user_tier primary key,
    per_day integer not null, -- runs in any 24 hours, and submissions that wait in the queue
    at_once integer not null, -- runs in progress
    constraint application_limits_check_per_day check (per_day >= 0),
    constraint application_limits_check_at_once check (at_once >= 0)
);
comment on table private.application_limits is
    'How many runs a person may have, by tier. A tier without a row may have none.';
alter table private.application_limits enable row level security;
revoke all on table private.application_limits from public, anon, authenticated, service_role;

insert into private.application_limits (tier, per_day, at_once)
values ('free', 10, 2), ('pro', 50, 5), ('h1b_pro', 50, 5), ('career_insurance', 100, 5), ('enterprise', 500, 20)
on conflict (tier) do nothing; -- what an operator has set stands

-- Refuses with 429 `application_limit_reached` when one more run would be too many. Claims of
-- one person wait for each other, so that the count is exact. `p_application_id` is not counted among those that wait.
create or replace function private.refuse_beyond_application_limits(p_person public.users, p_application_id uuid)
    returns void
    language plpgsql
    set search_path = ''
as $$
declare
    day         constant interval := '24 hours';
    -- In seconds. Nobody knows when a run ends; most take a few minutes.
    look_again  constant integer := 300;
    moment      constant timestamptz := clock_timestamp();
    per_day     integer;
    at_once     integer;
    today       integer;
    in_progress integer;
    waiting     integer;
    reached     text;
    pause       integer := look_again;
begin
    select limits.per_day, limits.at_once into per_day, at_once
    from private.application_limits as limits where limits.tier = p_person.tier;
    per_day := coalesce(per_day, 0);
    at_once := coalesce(at_once, 0);

    -- A submission that surely started nothing cost nothing.
    select count(*) filter (where run.claimed_at > moment - day and (run.run_id is not null or run.ended_at is null)),
           count(*) filter (where run.ended_at is null)
    into today, in_progress
    from private.application_runs as run
    where run.user_id = p_person.id and (run.claimed_at > moment - day or run.ended_at is null);
    select count(*) into waiting
    from public.applications
    where user_id = p_person.id and submission_job_id is not null and id <> p_application_id
      and private.is_waiting(submission_job_id);

    if today + waiting >= per_day then
        reached := format('your plan allows %s applications in 24 hours', per_day);
        -- Until enough of the runs are a day old.
        select ceil(extract(epoch from run.claimed_at + day - moment)) into pause
        from private.application_runs as run
        where run.user_id = p_person.id and run.claimed_at > moment - day
          and (run.run_id is not null or run.ended_at is null)
        order by run.claimed_at
        offset today + waiting - per_day
        limit 1;
        pause := coalesce(pause, case when per_day = 0 then extract(epoch from day)::integer else look_again end);
    elsif in_progress >= at_once then
        reached := format('your plan allows %s applications at the same time', at_once);
    else
        return;
    end if;
    perform private.refuse('application_limit_reached', 429, reached,
        jsonb_build_object('retry_after_seconds', pause)::text, pause);
end
$$;
revoke all on function private.refuse_beyond_application_limits(public.users, uuid)
    from public, anon, authenticated, service_role;
