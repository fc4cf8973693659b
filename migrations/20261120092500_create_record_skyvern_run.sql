-- Second step of an application through Skyvern: the run that a claim started is written down, and what Skyvern said of
-- it in the meantime is applied. The submission id is the fence: a caller whose claim is no longer the current one
-- changes nothing.
create or replace function public.record_skyvern_run(
    p_application_id uuid, p_submission_id uuid, p_run_id text, p_run_status text)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    application public.applications;
    result      text;
begin
    perform private.lock_skyvern_run(p_run_id);
    select * into application from public.applications where id = p_application_id for no key update;
    if application.id is null then
        perform private.refuse('application_not_found', 404, 'there is no such application');
    end if;

    if application.skyvern_task_id = p_run_id then
        result := 'already_recorded'; -- a repeated call, or a webhook that was quicker
    elsif application.submission_id is distinct from p_submission_id or p_submission_id is null then
        result := 'superseded';
    else
        perform private.attribute_events('initiate');
        perform private.attach_skyvern_run(application.id, p_run_id, p_run_status);
        perform private.apply_waiting_skyvern_events(application.id, p_run_id);
        select * into application from public.applications where id = p_application_id;
        result := 'recorded';
    end if;

    return jsonb_build_object('outcome', result, 'run_id', application.skyvern_task_id, 'status', application.status);
end
$$;
revoke all on function public.record_skyvern_run(uuid, uuid, text, text) from public, anon, authenticated, service_role;
grant execute on function public.record_skyvern_run(uuid, uuid, text, text) to service_role;
