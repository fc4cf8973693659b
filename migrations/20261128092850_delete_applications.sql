-- How a person deletes an application: a deleted one is hidden and can be restored, an erased one is gone. Either way
-- its runs are cancelled, by the triggers of cancel_application_runs.sql.
create or replace function public.delete_application(p_application_id uuid, p_reason text default null)
    returns void
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    if char_length(p_reason) > 1000 then
        perform private.refuse('invalid_input', 422, 'a reason has at most 1000 characters');
    end if;
    update public.applications set deleted_at = clock_timestamp(), deletion_reason = p_reason
    where id = p_application_id and user_id = public.current_user_id() and deleted_at is null;
    if not found then
        perform private.refuse('application_not_found', 404, 'there is no such application');
    end if;
end
$$;
revoke all on function public.delete_application(uuid, text) from public, anon, authenticated, service_role;
grant execute on function public.delete_application(uuid, text) to authenticated;
comment on function public.delete_application(uuid, text) is
    'Hides one of the caller''s applications, and cancels its runs. '
    'Definer: no person may hide a row from themselves by an update that their select policy checks. '
    'Bounds: only an application of the caller''s; the reason has at most 1,000 characters.';

create or replace function public.restore_application(p_application_id uuid)
    returns void
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    update public.applications set deleted_at = null
    where id = p_application_id and user_id = public.current_user_id() and deleted_at is not null;
    if not found then
        perform private.refuse('application_not_found', 404, 'there is no such application');
    end if;
end
$$;
revoke all on function public.restore_application(uuid) from public, anon, authenticated, service_role;
grant execute on function public.restore_application(uuid) to authenticated;
comment on function public.restore_application(uuid) is
    'Brings back one of the caller''s applications that was deleted. '
    'Definer: no person may see or update a row that is deleted. '
    'Bounds: only an application of the caller''s; what was cancelled stays so.';

-- Erases an application, deleted or not, with its history, with what Skyvern said about it and with what its person was
-- told about it. Files stay: they are the person's own, and other applications use them. The ledger of runs keeps
-- that there were some.
create or replace function public.erase_application(p_application_id uuid)
    returns void
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    person uuid := public.current_user_id();
begin
    -- First, as everybody who changes an application.
    perform from public.applications where id = p_application_id and user_id = person for update;
    if not found then
        perform private.refuse('application_not_found', 404, 'there is no such application');
    end if;

    delete from public.notifications
    where user_id = person and related_entity_type = 'application' and related_entity_id = p_application_id;
    -- Messages that wait to be sent, and those that were.
    delete from public.background_jobs
    where user_id = person and payload #>> '{data,application_id}' = p_application_id::text;
    delete from public.webhook_events
    where application_id is null and named_application_id = p_application_id;
    delete from public.applications where id = p_application_id;
end
$$;
revoke all on function public.erase_application(uuid) from public, anon, authenticated, service_role;
grant execute on function public.erase_application(uuid) to authenticated;
comment on function public.erase_application(uuid) is
    'Erases one of the caller''s applications for good, and cancels its runs. '
    'Definer: no person may delete applications, notifications'' jobs or the inbox. '
    'Bounds: only an application of the caller''s, and only rows that are about it.';
