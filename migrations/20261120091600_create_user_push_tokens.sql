-- The devices that a person gets push messages on, one row a device. Written by `register_push_token` alone, since a
-- device that changes hands must leave its former person, which no policy could allow.
create table if not exists public.user_push_tokens (
    id           uuid primary key default gen_random_uuid(),
    user_id      uuid not null,
    token        text not null,
    platform     text,
    device_name  text,
    last_seen_at timestamptz not null default now(),
    -- Set when the push service says that the device is gone; registering it again clears it.
    revoked_at   timestamptz,
    created_at   timestamptz not null default now(),
    updated_at   timestamptz not null default now(),
    constraint user_push_tokens_fk_user foreign key (user_id) references public.users (id) on delete cascade,
    constraint user_push_tokens_unique_token unique (token),
    constraint user_push_tokens_check_token check (char_length(token) between 1 and 255),
    constraint user_push_tokens_check_platform check (platform in ('ios', 'android', 'web')),
    constraint user_push_tokens_check_device_name check (char_length(device_name) <= 200)
);
create index if not exists idx_user_push_tokens_user_id_last_seen_at
    on public.user_push_tokens (user_id, last_seen_at desc);

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
