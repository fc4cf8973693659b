-- Which applications a person has deleted and may restore. Realtime sends nothing about a row that its subscriber may not
-- see, so without this a deletion would never reach the person's other devices.
create table if not exists public.application_deletions (
    application_id uuid primary key,
    user_id        uuid not null,
    deleted_at     timestamptz not null default now(),
    constraint application_deletions_fk_application foreign key (application_id, user_id)
        references public.applications (id, user_id) on delete cascade
);
comment on table public.application_deletions is
    'Which applications their persons have deleted: for lists to take them off, and to restore them.';
-- For its foreign key, the primary key is enough.
create index if not exists idx_application_deletions_user_id_deleted_at
    on public.application_deletions (user_id, deleted_at desc);

alter table public.application_deletions enable row level security;
revoke all on table public.application_deletions from anon, authenticated, service_role;
grant select on table public.application_deletions to authenticated;
-- Nobody writes: the trigger below does.
grant select on table public.application_deletions to service_role;

drop policy if exists application_deletions_select_own on public.application_deletions;
create policy application_deletions_select_own on public.application_deletions for select to authenticated
    using (user_id = (select public.current_user_id()));

create or replace function private.record_application_deletion()
    returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    if new.deleted_at is null then
        delete from public.application_deletions where application_id = new.id;
    else
        insert into public.application_deletions (application_id, user_id, deleted_at)
        values (new.id, new.user_id, new.deleted_at)
        on conflict (application_id) do nothing;
    end if;
    return null;
end
$$;
revoke all on function private.record_application_deletion() from public, anon, authenticated, service_role;
comment on function private.record_application_deletion() is
    'Keeps application_deletions in step with applications. '
    'Definer: nobody may write application_deletions. '
    'Bounds: a trigger function, which nobody can call: it writes only about the row that is being changed.';

create or replace trigger on_application_deleted_record_deletion
    after update of deleted_at on public.applications
    for each row when ((old.deleted_at is null) <> (new.deleted_at is null))
    execute function private.record_application_deletion();

do $$
begin
    if not exists (select from pg_catalog.pg_publication_tables
                   where pubname = 'supabase_realtime' and schemaname = 'public'
                     and tablename = 'application_deletions') then
        alter publication supabase_realtime add table public.application_deletions;
    end if;
end
$$;
