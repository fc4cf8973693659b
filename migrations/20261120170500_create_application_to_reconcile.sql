-- What a look at Skyvern is to find out about an application. `p_user_id` is the person who asked for it, null for the
-- product's own looks; nobody has a stranger's application looked for. Answers an outcome:
--   run         what became of the run {run_id, attempt}
--   submission  whether the submission {submission_id, title, seconds_ago} started a run
--   nothing     {reason}: not_found, in_progress, just_heard_of, settled
create or replace function public.application_to_reconcile(p_application_id uuid, p_user_id uuid)
    returns jsonb
    language plpgsql
    stable
    security definer
    set search_path = ''
as $$
declare
    -- People may ask as often as they like; Skyvern is not asked as often.
    fresh       constant interval := '1 minute';
    application public.applications;
    reason      text;
begin
    select * into application from public.applications
    where id = p_application_id and (p_user_id is null or user_id = p_user_id);

    if application.id is null then
        reason := 'not_found';
    elsif application.submission_id is not null then
        if application.submission_lease_expires_at <= clock_timestamp() then
            return jsonb_build_object(
                'outcome', 'submission', 'submission_id', application.submission_id,
                'title', application.submission_title,
                'seconds_ago', floor(extract(epoch from clock_timestamp() - application.submission_started_at)));
        end if;
        reason := 'in_progress';
    elsif application.status <> 'PROCESSING_BY_SKYVERN' or application.skyvern_task_id is null then
        reason := 'settled';
    -- Of a run without a status nothing was heard yet but its id.
    elsif application.skyvern_heard_at > clock_timestamp() - fresh and application.skyvern_run_status is not null then
        reason := 'just_heard_of';
    else
        return jsonb_build_object('outcome', 'run', 'run_id', application.skyvern_task_id,
                                  'attempt', coalesce(application.skyvern_run_attempt, 1));
    end if;
    return jsonb_build_object('outcome', 'nothing', 'reason', reason);
end
$$;
revoke all on function public.application_to_reconcile(uuid, uuid) from public, anon, authenticated, service_role;
grant execute on function public.application_to_reconcile(uuid, uuid) to service_role;
