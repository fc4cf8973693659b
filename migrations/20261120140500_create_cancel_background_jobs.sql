-- Jobs that are not to happen after all.

-- A cancelled job's worker has lost its lease, however the job was cancelled.
create or replace function private.end_lease_of_cancelled_job()
    returns trigger
    language plpgsql
    set search_path = ''
as $$
begin
    new.lease_number := old.lease_number + 1;
    new.locked_by := null;
    new.lease_expires_at := null;
    return new;
end
$$;
revoke all on function private.end_lease_of_cancelled_job() from public, anon, authenticated, service_role;

create or replace trigger on_background_jobs_cancelled
    before update of status on public.background_jobs
    for each row when (old.status in ('pending', 'processing') and new.status = 'failed' and new.error = 'cancelled')
    execute function private.end_lease_of_cancelled_job();

-- Cancels those of these jobs that are not finished, and answers their ids. Runs with the rights of the caller, so that
-- the policies decide which jobs a person cancels.
create or replace function public.cancel_background_jobs(p_job_ids uuid[])
    returns jsonb
    language sql
    set search_path = ''
as $$
    with cancelled as (
        update public.background_jobs
        set status = 'failed', error = 'cancelled'
        where id = any (p_job_ids) and status in ('pending', 'processing')
        returning id
    )
    select coalesce(jsonb_agg(id), '[]') from cancelled
$$;
revoke all on function public.cancel_background_jobs(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.cancel_background_jobs(uuid[]) to authenticated, service_role;
