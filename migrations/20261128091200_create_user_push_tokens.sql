-- The devices on which a person gets push messages, one row per device. Written by `register_push_token` alone, since a
-- device that changes hands must leave its former person, which no policy could allow.
create table if not exists public.user_push_tokens (
    id           uuid primary key default gen_random_uuid(),
    user_id      uuid not null,
    token        text not null,
    platform     text,
    device_name  text,
    last_seen_at timestamptz not null default now(),
    -- Set when the push service says that the device is gone; registering the device again clears it.
    revoked_at   timestamptz,
    created_at   timestamptz not null default now(),
    updated_at   timestamptz not null default now(),
    constraint user_push_tokens_fk_user foreign key (user_id) references public.users (id) on delete cascade,
    constraint user_push_tokens_unique_token unique (token),
    -- The form of Expo's push tokens: wrapped, or as it was long ago, groups of 8-4-4-4-12 letters and digits. Apple's and
    -- Google's own tokens, which apps register by mistake, have not got it. Expo decides for real.
    constraint user_push_tokens_check_token check (
        char_length(token) <= 255
        and (token ~ '^(ExponentPushToken|ExpoPushToken)\[[^][:space:]]+\]$'
             or token ~* '^[a-z0-9]{8}(-[a-z0-9]{4}){3}-[a-z0-9]{12}$')),
    constraint user_push_tokens_check_platform check (platform in ('ios', 'android', 'web')),
    constraint user_push_tokens_check_device_name check (char_length(device_name) <= 200)
);
comment on table public.user_push_tokens is 'The devices on which a person gets push messages.';
create index if not exists idx_user_push_tokens_user_id_last_seen_at
    on public.user_push_tokens (user_id, last_seen_at desc);
-- For the purge.
create index if not exists idx_user_push_tokens_revoked_at
    on public.user_push_tokens (revoked_at) where revoked_at is not null;

create or replace trigger on_user_push_tokens_updated
    before update on public.user_push_tokens
    for each row execute function public.handle_updated_at();

alter table public.user_push_tokens enable row level security;
revoke all on table public.user_push_tokens from anon, authenticated, service_role;
grant select, delete on table public.user_push_tokens to authenticated;
grant select, insert, update, delete on table public.user_push_tokens to service_role;

drop policy if exists user_push_tokens_select_own on public.user_push_tokens;
create policy user_push_tokens_select_own on public.user_push_tokens for select to authenticated
    using (user_id = (select public.current_user_id()));

drop policy if exists user_push_tokens_delete_own on public.user_push_tokens;
create policy user_push_tokens_delete_own on public.user_push_tokens for delete to authenticated
    using (user_id = (select public.current_user_id()));

-- A person's device says where push messages reach it. A token that another person registered moves to the caller: the
-- device is in one person's hands, and the former person's messages must not appear on it.
create or replace function public.register_push_token(
    p_token text, p_platform text default null, p_device_name text default null)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    -- Enough for anybody's devices, and few enough that one message is one request to the push service.
    most_devices constant integer := 20;
    me           uuid := public.current_user_id();
    device       public.user_push_tokens;
    violated     text;
begin
    if me is null then
        perform private.refuse('profile_pending', 403, 'the profile of this account has not been made yet');
    end if;

    begin
        insert into public.user_push_tokens as known (user_id, token, platform, device_name)
        values (me, p_token, p_platform, p_device_name)
        on conflict (token) do update
            set user_id = excluded.user_id,
                platform = excluded.platform,
                device_name = excluded.device_name,
                last_seen_at = now(),
                revoked_at = null
        returning known.* into device;
    exception
        when check_violation then
            get stacked diagnostics violated = constraint_name;
            if violated = 'user_push_tokens_check_token' then
                perform private.refuse('invalid_input', 422,
                    'p_token is no push token of Expo''s, such as ExponentPushToken[…]');
            end if;
            raise;
    end;

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
comment on function public.register_push_token(text, text, text) is
    'Registers the caller''s device for push messages. '
    'Definer: a token that another person has registered must leave them, which no policy could allow. '
    'Bounds: the person is the caller, never an argument; the columns'' checks limit the texts, and 20 devices are '
    'kept per person.';
