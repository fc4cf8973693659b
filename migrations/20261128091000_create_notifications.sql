-- What a person is told in the app. The service writes it; the person reads it, marks it as read and deletes it.
do $$
begin
    if to_regtype('public.notification_type') is null then
        create type public.notification_type as enum (
            'APPLICATION_STATUS_UPDATE', 'NEW_JOB_MATCH_SAVED_SEARCH', 'PROFILE_REMINDER', 'GENERAL_ANNOUNCEMENT');
    end if;
end
$$;

create table if not exists public.notifications (
    id                  uuid primary key default gen_random_uuid(),
    user_id             uuid not null,
    type                public.notification_type not null,
    title               text not null,
    message             text not null,
    related_entity_id   uuid,
    related_entity_type text,
    is_read             boolean not null default false,
    read_at             timestamptz,
    created_at          timestamptz not null default now(),
    constraint notifications_fk_user foreign key (user_id) references public.users (id) on delete cascade,
    constraint notifications_check_title check (char_length(title) between 1 and 300),
    constraint notifications_check_message check (char_length(message) between 1 and 4000),
    constraint notifications_check_related_entity_type check (related_entity_type ~ '^[a-z_]{1,50}$')
);
comment on table public.notifications is 'What a person is told in the app.';
create index if not exists idx_notifications_user_id_is_read
    on public.notifications (user_id, is_read, created_at desc);
create index if not exists idx_notifications_user_id_created_at on public.notifications (user_id, created_at desc);
-- For the purge.
create index if not exists idx_notifications_is_read_created_at on public.notifications (is_read, created_at);

-- `is_read` decides; a client's clock does not. `read_at` stays open to clients, because apps write both.
create or replace function private.set_read_at()
    returns trigger
    language plpgsql
    set search_path = ''
as $$
begin
    new.read_at := case when new.is_read then coalesce(case when old.is_read then old.read_at end, now()) end;
    return new;
end
$$;
revoke all on function private.set_read_at() from public, anon, authenticated, service_role;

create or replace trigger on_notifications_updated_set_read_at
    before update of is_read, read_at on public.notifications
    for each row execute function private.set_read_at();

alter table public.notifications enable row level security;
revoke all on table public.notifications from anon, authenticated, service_role;
grant select, delete, update (is_read, read_at) on table public.notifications to authenticated;
grant select, insert, update, delete on table public.notifications to service_role;

drop policy if exists notifications_select_own on public.notifications;
create policy notifications_select_own on public.notifications for select to authenticated
    using (user_id = (select public.current_user_id()));

drop policy if exists notifications_update_own on public.notifications;
create policy notifications_update_own on public.notifications for update to authenticated
    using (user_id = (select public.current_user_id()))
    with check (user_id = (select public.current_user_id()));

drop policy if exists notifications_delete_own on public.notifications;
create policy notifications_delete_own on public.notifications for delete to authenticated
    using (user_id = (select public.current_user_id()));
