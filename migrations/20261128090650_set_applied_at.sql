-- When an application was sent. Nothing was sent while it is a draft or waits to be handed over; from the moment when it
-- counts as applied there is a time, by default that moment. A person who applied by themselves may say when that was.
create or replace function private.set_applied_at()
    returns trigger
    language plpgsql
    set search_path = ''
as $$
begin
    if new.status in ('DRAFT', 'PENDING_SKYVERN_SUBMISSION') then
        new.applied_at := null;
    elsif new.status in ('SUBMITTED_BY_SKYVERN', 'APPLIED_MANUALLY') and new.applied_at is null then
        new.applied_at := coalesce(case tg_op when 'UPDATE' then old.applied_at end, now());
    end if;
    return new;
end
$$;
revoke all on function private.set_applied_at() from public, anon, authenticated, service_role;

create or replace trigger on_application_inserted_set_applied_at
    before insert on public.applications
    for each row execute function private.set_applied_at();
create or replace trigger on_application_updated_set_applied_at
    before update of status, applied_at on public.applications
    for each row when (new.status is distinct from old.status or new.applied_at is distinct from old.applied_at)
    execute function private.set_applied_at();
