-- Which status is whose. A person moves an application between the statuses that are theirs; what Skyvern did is for
-- the service to say. A person may go back to the start only from a status where a second attempt cannot apply twice.

-- True for what a person decided; nothing that Skyvern reports afterwards overrides it.
create or replace function private.is_decision_of_person(p_status public.application_status_type)
    returns boolean
    language sql
    immutable
    set search_path = ''
as $$
    select p_status in ('APPLIED_MANUALLY', 'INTERVIEW_SCHEDULED', 'OFFER_RECEIVED', 'REJECTED_BY_COMPANY',
                        'WITHDRAWN_BY_USER')
$$;
revoke all on function private.is_decision_of_person(public.application_status_type)
    from public, anon, authenticated, service_role;
grant execute on function private.is_decision_of_person(public.application_status_type) to authenticated;

-- Runs with the rights of whoever writes, on purpose: `authenticated` is a person's own request, while the functions
-- that act for a person run as their owner and pass.
create or replace function private.guard_application_status()
    returns trigger
    language plpgsql
    set search_path = ''
as $$
declare
    allowed boolean;
begin
    if current_user <> 'authenticated' then
        return new;
    end if;

    if private.is_decision_of_person(new.status) then
        allowed := true;
    elsif new.status not in ('DRAFT', 'PENDING_SKYVERN_SUBMISSION') then
        allowed := false;
    elsif tg_op = 'INSERT' then
        allowed := true;
    elsif old.status in ('DRAFT', 'PENDING_SKYVERN_SUBMISSION', 'FAILED_SKYVERN_SUBMISSION', 'FAILED_APPLICATION',
                         'REQUIRES_ATTENTION_USER_INPUT', 'REQUIRES_ATTENTION_MANUAL_REVIEW') then
        allowed := true;
    else
        allowed := old.status in ('APPLIED_MANUALLY', 'WITHDRAWN_BY_USER', 'REJECTED_BY_COMPANY')
                   and old.skyvern_task_id is null;
    end if;

    if not allowed then
        perform private.refuse('status_not_yours', 409,
            case tg_op
                when 'INSERT' then format('an application cannot start as %s', new.status)
                else format('an application cannot be moved from %s to %s by its person', old.status, new.status)
            end);
    end if;
    return new;
end
$$;
revoke all on function private.guard_application_status() from public, anon, authenticated, service_role;

create or replace trigger on_application_inserted_guard_status
    before insert on public.applications
    for each row execute function private.guard_application_status();

create or replace trigger on_application_updated_guard_status
    before update of status on public.applications
    for each row when (new.status is distinct from old.status)
    execute function private.guard_application_status();
