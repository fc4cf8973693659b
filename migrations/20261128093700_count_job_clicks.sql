-- Clicks on postings. A person counts once a day (UTC) for a posting, however often they open it.

-- When each person last counted for each posting, which decides whether they count again.
create table if not exists private.job_clicks (
    job_id     uuid not null,
    user_id    uuid not null,
    counted_on date not null,
    primary key (job_id, user_id),
    constraint job_clicks_fk_job foreign key (job_id) references public.jobs (id) on delete cascade,
    constraint job_clicks_fk_user foreign key (user_id) references public.users (id) on delete cascade
);
comment on table private.job_clicks is 'When each person last counted as a click on each posting.';
create index if not exists idx_job_clicks_user_id on private.job_clicks (user_id);
-- For the purge.
create index if not exists idx_job_clicks_counted_on on private.job_clicks (counted_on);
alter table private.job_clicks enable row level security;
revoke all on table private.job_clicks from public, anon, authenticated, service_role;

-- Called by the app when somebody opens a posting. Returns {counted, click_count}; 404 `job_not_found` for a posting
-- that is not active.
create or replace function public.count_job_click(p_job_id uuid)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    person_id uuid := public.current_user_id();
    today     date := (clock_timestamp() at time zone 'utc')::date;
    counted   boolean;
    clicks    integer;
begin
    if person_id is null then
        perform private.refuse('profile_pending', 403, 'the profile of this account has not been made yet');
    end if;
    select click_count into clicks from public.jobs where id = p_job_id and is_active and status = 'active';
    if not found then
        perform private.refuse('job_not_found', 404, 'there is no such job posting');
    end if;

    insert into private.job_clicks as known (job_id, user_id, counted_on) values (p_job_id, person_id, today)
    on conflict (job_id, user_id) do update set counted_on = excluded.counted_on
        where known.counted_on < excluded.counted_on;
    counted := found;
    if counted then
        update public.jobs set click_count = click_count + 1 where id = p_job_id returning click_count into clicks;
    end if;
    return jsonb_build_object('counted', counted, 'click_count', clicks);
end
$$;
revoke all on function public.count_job_click(uuid) from public, anon, authenticated, service_role;
grant execute on function public.count_job_click(uuid) to authenticated;
comment on function public.count_job_click(uuid) is
    'Counts a click of the caller on a posting. '
    'Definer: no person may write click_count or reach the schema private. '
    'Bounds: the person is the caller, never an argument; only active postings, and one click per person, posting and '
    'day.';
