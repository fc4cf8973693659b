-- Skyvern was asked, and the run goes on: that it was heard of is all the news. Answers whether the application still
-- has that run.
create or replace function public.note_ongoing_skyvern_run(p_application_id uuid, p_run_id text)
    returns boolean
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    update public.applications set skyvern_heard_at = clock_timestamp()
    where id = p_application_id and skyvern_task_id = p_run_id and status = 'PROCESSING_BY_SKYVERN';
    return found;
end
$$;
revoke all on function public.note_ongoing_skyvern_run(uuid, text) from public, anon, authenticated, service_role;
grant execute on function public.note_ongoing_skyvern_run(uuid, text) to service_role;
