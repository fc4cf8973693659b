-- The three policies of the queue: a person sees, queues and cancels jobs of their own, of the types that are meant for
-- people. Everything else in the table is the machinery's.
alter table public.background_jobs
    alter column user_id set default public.current_user_id(),
    -- How far a job is, in its type's own words; survives the attempt that wrote it.
    add column if not exists progress jsonb,
    -- How many leases ran out because their worker vanished. Such a job is handed out alone, see claim_background_jobs.
    add column if not exists lost_leases integer not null default 0;

do $$
begin
    if not exists (select from pg_constraint where conname = 'background_jobs_check_lost_leases') then
        alter table public.background_jobs
            add constraint background_jobs_check_lost_leases check (lost_leases >= 0);
    end if;
end
$$;

grant select, insert (user_id, job_type, payload, run_at), update (status, error)
    on table public.background_jobs to authenticated;

drop policy if exists background_jobs_select_own on public.background_jobs;
create policy background_jobs_select_own on public.background_jobs for select to authenticated
    using (user_id = (select public.current_user_id())
           and job_type in ('reconcile_application', 'saved_search_alert'));

drop policy if exists background_jobs_insert_own on public.background_jobs;
create policy background_jobs_insert_own on public.background_jobs for insert to authenticated
    with check (user_id = (select public.current_user_id())
                and job_type in ('reconcile_application', 'saved_search_alert'));

-- The one change that a person makes to a job: it is not to happen.
drop policy if exists background_jobs_cancel_own on public.background_jobs;
create policy background_jobs_cancel_own on public.background_jobs for update to authenticated
    using (user_id = (select public.current_user_id())
           and job_type in ('reconcile_application', 'saved_search_alert')
           and status in ('pending', 'processing'))
    with check (user_id = (select public.current_user_id())
                and status = 'failed' and error = 'cancelled');

-- Nobody fills the queue at the expense of the others. Runs with the rights of whoever inserts, on purpose: only
-- `authenticated` is a person's own request, and only their own jobs are counted then.
create or replace function private.limit_queued_jobs()
    returns trigger
    language plpgsql
    set search_path = ''
as $$
declare
    unfinished_at_most constant integer := 20;
    payload_at_most    constant integer := 4096; -- bytes
begin
    if current_user <> 'authenticated' then
        return new;
    end if;
    if octet_length(new.payload::text) > payload_at_most then
        perform private.refuse('invalid_input', 422, format('a payload is at most %s bytes long', payload_at_most));
    end if;
    -- One person's inserts stand in line, so that the count is exact.
    perform pg_advisory_xact_lock(hashtextextended('queued_jobs:' || new.user_id, 0));
    if (select count(*) from public.background_jobs
        where user_id = new.user_id and status in ('pending', 'processing')) >= unfinished_at_most then
        perform private.refuse('too_many_jobs', 429,
            format('%s jobs are waiting already; more can be queued when they are done', unfinished_at_most));
    end if;
    return new;
end
$$;
revoke all on function private.limit_queued_jobs() from public, anon, authenticated, service_role;

create or replace trigger on_background_jobs_created_limit_people
    before insert on public.background_jobs
    for each row execute function private.limit_queued_jobs();

-- The count above, and a person's list of what is going on.
create index if not exists idx_background_jobs_user_id_unfinished
    on public.background_jobs (user_id) where status in ('pending', 'processing');
