-- A person's device says where push messages reach it. A token that another person registered moves: the device can
-- only be in one pair of hands, and the former person's messages must not show up on it.
create or replace function public.register_push_token(
    p_token text, p_platform text default null, p_device_name text default null)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    -- Enough for anybody's devices, and few enough that one message stays one request to the push service.
    most_devices constant integer := 20;
    me           uuid := public.current_user_id();
    device       public.user_push_tokens;
begin
    if me is null then
        perform private.refuse('profile_pending', 403, 'the profile of this account has not been made yet');
    end if;

    insert into public.user_push_tokens as known (user_id, token, platform, device_name)
    values (me, p_token, p_platform, p_device_name)
    on conflict (token) do update
        set user_id = excluded.user_id,
            platform = excluded.platform,
            device_name = excluded.device_name,
            last_seen_at = now(),
            revoked_at = null
    returning known.* into device;

    delete from public.user_push_tokens
    where id in (select id from public.user_push_tokens
                 where user_id = me
                 order by last_seen_at desc, id
                 offset most_devices);

    return jsonb_build_object('id', device.id, 'platform', device.platform, 'device_name', device.device_name,
                              'last_seen_at', device.last_seen_at);
end
$$;
revoke all on function public.register_push_token(text, text, text) from public, anon, authenticated, service_role;
grant execute on function public.register_push_token(text, text, text) to authenticated;
