-- Deleting without losing: setting `deleted_at` hides a row, setting it to null brings it back. When it happened and
-- who did it is written here, not taken from the client. For every table with the three columns.
create or replace function private.handle_soft_delete()
    returns trigger
    language plpgsql
    set search_path = ''
as $$
begin
    if new.deleted_at is null then
        new.deleted_by = null;
        new.deletion_reason = null;
    elsif old.deleted_at is null then
        new.deleted_at = now();
        new.deleted_by = coalesce(new.deleted_by, public.current_user_id());
    else
        new.deleted_at = old.deleted_at;
    end if;
    return new;
end
$$;
revoke all on function private.handle_soft_delete() from public, anon, authenticated, service_role;

create or replace trigger on_application_deleted
    before update of deleted_at on public.applications
    for each row execute function private.handle_soft_delete();
