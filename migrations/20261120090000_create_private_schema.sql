-- The schema of helpers that clients never see, and the one way SQL refuses a request.
-- PostgREST does not expose `private`; who may call what in it is granted function by function.
create schema if not exists private;
revoke all on schema private from public, anon, authenticated, service_role;
-- Triggers that run with the person's own rights refuse through the helper below.
grant usage on schema private to authenticated;

-- Ends the request with this status and body (the PGRST way of raising), so that a refusal keeps its name on the way
-- to the client. Never SQLSTATE 40001: PostgREST repeats such a request without end.
create or replace function private.refuse(p_code text, p_status integer, p_message text, p_details text default null)
    returns void
    language plpgsql
    set search_path = ''
as $$
begin
    raise sqlstate 'PGRST' using
        message = pg_catalog.jsonb_build_object(
            'code', p_code, 'message', p_message, 'details', p_details, 'hint', null)::text,
        detail = pg_catalog.jsonb_build_object('status', p_status, 'headers', '{}'::jsonb)::text;
end
$$;
revoke all on function private.refuse(text, integer, text, text) from public, anon, authenticated, service_role;
grant execute on function private.refuse(text, integer, text, text) to authenticated;
