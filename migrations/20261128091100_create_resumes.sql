-- A person's résumés; the files are in the storage bucket `resumes`, and one of them is the primary one.
create table if not exists public.resumes (
    id           uuid primary key default gen_random_uuid(),
    user_id      uuid not null default public.current_user_id(),
    file_url     text not null,
    file_name    text not null,
    version_name text,
    is_primary   boolean not null default false,
    uploaded_at  timestamptz not null default now(),
    created_at   timestamptz not null default now(),
    updated_at   timestamptz not null default now(),
    constraint resumes_fk_user foreign key (user_id) references public.users (id) on delete cascade,
    constraint resumes_check_file_url check (char_length(file_url) between 1 and 1024),
    constraint resumes_check_file_name check (char_length(file_name) between 1 and 255),
    constraint resumes_check_version_name check (char_length(version_name) <= 200)
);
comment on table public.resumes is 'A person''s résumés; the files are in storage.';
create index if not exists idx_resumes_user_id on public.resumes (user_id);
create unique index if not exists idx_resumes_user_id_is_primary_true on public.resumes (user_id) where is_primary;

create or replace trigger on_resumes_updated
    before update on public.resumes
    for each row execute function public.handle_updated_at();

alter table public.resumes enable row level security;
revoke all on table public.resumes from anon, authenticated, service_role;
grant select, delete on table public.resumes to authenticated;
grant insert (user_id, file_url, file_name, version_name, is_primary),
      update (user_id, file_url, file_name, version_name, is_primary)
    on table public.resumes to authenticated;
grant select, insert, update, delete on table public.resumes to service_role;

drop policy if exists resumes_select_own on public.resumes;
create policy resumes_select_own on public.resumes for select to authenticated
    using (user_id = (select public.current_user_id()));

drop policy if exists resumes_insert_own on public.resumes;
create policy resumes_insert_own on public.resumes for insert to authenticated
    with check (user_id = (select public.current_user_id()));

drop policy if exists resumes_update_own on public.resumes;
create policy resumes_update_own on public.resumes for update to authenticated
    using (user_id = (select public.current_user_id()))
    with check (user_id = (select public.current_user_id()));

drop policy if exists resumes_delete_own on public.resumes;
create policy resumes_delete_own on public.resumes for delete to authenticated
    using (user_id = (select public.current_user_id()));
