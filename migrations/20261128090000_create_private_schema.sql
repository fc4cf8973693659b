-- The schema of internal helpers that clients never see, and the helpers that every other file needs. PostgREST does
-- not expose `private`; each function says who may call it.
create schema if not exists private;
revoke all on schema private from public, anon, authenticated, service_role;
-- Triggers that run with the person's own rights refuse through the helper below.
grant usage on schema private to authenticated;

-- Ends the request with this status and body (PostgREST's `PGRST` convention), so that a refusal keeps its name on the
-- way to the client. `p_retry_after` becomes the header of that name, in seconds. Never SQLSTATE 40001: PostgREST
-- retries such a request without end.
create or replace function private.refuse(
    p_code text, p_status integer, p_message text, p_details text default null, p_retry_after integer default null)
    returns void
    language plpgsql
    set search_path = ''
as $$
begin
    raise sqlstate 'PGRST' using
        message = pg_catalog.jsonb_build_object(
            'code', p_code, 'message', p_message, 'details', p_details, 'hint', null)::text,
        detail = pg_catalog.jsonb_build_object(
            'status', p_status,
            'headers', case when p_retry_after is null then '{}'
                            else pg_catalog.jsonb_build_object('Retry-After', p_retry_after::text) end)::text;
end
$$;
revoke all on function private.refuse(text, integer, text, text, integer) from public, anon, authenticated, service_role;
grant execute on function private.refuse(text, integer, text, text, integer) to authenticated;

-- The trigger function of every table with an `updated_at` column.
create or replace function public.handle_updated_at()
    returns trigger
    language plpgsql
    set search_path = ''
as $$
begin
    new.updated_at = now();
    return new;
end
$$;
revoke all on function public.handle_updated_at() from public, anon, authenticated, service_role;

-- Soft delete, for every table with the three columns: setting `deleted_at` hides a row, setting it to null brings it
-- back. When it happened and who did it are written here, not taken from the client.
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
