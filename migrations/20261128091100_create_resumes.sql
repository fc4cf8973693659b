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

-- The person's profile shows the primary résumé. Whatever changes a row locks the person's row first, as everything
-- does that locks both.
create or replace function private.lock_person_of_resumes()
    returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    perform from public.users where id = public.current_user_id() for no key update;
    return null;
end
$$;
revoke all on function private.lock_person_of_resumes() from public, anon, authenticated, service_role;
comment on function private.lock_person_of_resumes() is
    'Locks the caller''s profile before their résumés are changed. '
    'Definer: so that it does not depend on what the caller may change of a profile. '
    'Bounds: a trigger function, which nobody can call: it locks the caller''s own row.';

create or replace trigger on_resumes_changed_lock_person
    before insert or update or delete on public.resumes
    for each statement execute function private.lock_person_of_resumes();

create or replace function private.follow_primary_resume()
    returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    if new.is_primary then
        update public.users set current_resume_url = new.file_url, current_resume_filename = new.file_name
        where id = new.user_id
          and (current_resume_url, current_resume_filename) is distinct from (new.file_url, new.file_name);
    elsif tg_op = 'DELETE' and old.is_primary then
        update public.users set current_resume_url = null, current_resume_filename = null
        where id = old.user_id and current_resume_url = old.file_url;
    end if;
    return null;
end
$$;
revoke all on function private.follow_primary_resume() from public, anon, authenticated, service_role;
comment on function private.follow_primary_resume() is
    'Keeps users.current_resume_url and its file name those of the primary résumé. '
    'Definer: it runs for whoever changes a résumé, and for the cascade of a deletion. '
    'Bounds: a trigger function, which nobody can call: it writes only to the person of the row that is being changed.';

create or replace trigger on_resumes_changed_follow_primary
    after insert or update of user_id, file_url, file_name, is_primary or delete on public.resumes
    for each row execute function private.follow_primary_resume();

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

-- Makes another résumé the primary one, in one request: with two, a person has none in between, or two for a moment.
create or replace function public.make_resume_primary(p_resume_id uuid)
    returns public.resumes
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    person uuid := public.current_user_id();
    chosen public.resumes;
begin
    if person is null then
        perform private.refuse('profile_pending', 403, 'the profile of this account has not been made yet');
    end if;
    -- Two calls at once wait for each other here.
    perform from public.users where id = person for no key update;
    select * into chosen from public.resumes where id = p_resume_id and user_id = person for no key update;
    if chosen.id is null then
        perform private.refuse('resume_not_found', 404, 'there is no such résumé');
    end if;
    if not chosen.is_primary then
        update public.resumes set is_primary = false where user_id = person and is_primary;
        update public.resumes set is_primary = true where id = chosen.id returning * into chosen;
    end if;
    return chosen;
end
$$;
revoke all on function public.make_resume_primary(uuid) from public, anon, authenticated, service_role;
grant execute on function public.make_resume_primary(uuid) to authenticated;
comment on function public.make_resume_primary(uuid) is
    'Makes one of the caller''s résumés the primary one. '
    'Definer: it locks the caller''s profile, and refuses through private.refuse. '
    'Bounds: only résumés of the caller''s.';
