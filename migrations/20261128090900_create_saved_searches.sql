-- Searches that a person keeps, to run again and to be told of new postings.
create table if not exists public.saved_searches (
    id              uuid primary key default gen_random_uuid(),
    user_id         uuid not null default public.current_user_id(),
    search_name     text not null,
    search_query    jsonb not null,
    schema_version  integer not null default 1, -- of search_query
    notify_new_jobs boolean default true,
    last_run_at     timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    -- Rows that refer to a search also name its person in the foreign key.
    constraint saved_searches_unique_id_user_id unique (id, user_id),
    constraint saved_searches_fk_user foreign key (user_id) references public.users (id) on delete cascade,
    constraint saved_searches_check_search_name check (char_length(search_name) between 1 and 200),
    constraint saved_searches_check_search_query check (
        jsonb_typeof(search_query) = 'object' and octet_length(search_query::text) <= 10000)
);
comment on table public.saved_searches is
    'Searches that a person keeps, to run again and to be told of new postings.';
create index if not exists idx_saved_searches_user_id_created_at
    on public.saved_searches (user_id, created_at desc);

create or replace trigger on_saved_searches_updated
    before update on public.saved_searches
    for each row execute function public.handle_updated_at();

alter table public.saved_searches enable row level security;
revoke all on table public.saved_searches from anon, authenticated, service_role;
grant select, delete on table public.saved_searches to authenticated;
-- Not `last_run_at`, which the alerts write.
grant insert (user_id, search_name, search_query, schema_version, notify_new_jobs),
      update (user_id, search_name, search_query, schema_version, notify_new_jobs)
    on table public.saved_searches to authenticated;
grant select, insert, update, delete on table public.saved_searches to service_role;

drop policy if exists saved_searches_select_own on public.saved_searches;
create policy saved_searches_select_own on public.saved_searches for select to authenticated
    using (user_id = (select public.current_user_id()));

drop policy if exists saved_searches_insert_own on public.saved_searches;
create policy saved_searches_insert_own on public.saved_searches for insert to authenticated
    with check (user_id = (select public.current_user_id()));

drop policy if exists saved_searches_update_own on public.saved_searches;
create policy saved_searches_update_own on public.saved_searches for update to authenticated
    using (user_id = (select public.current_user_id()))
    with check (user_id = (select public.current_user_id()));

drop policy if exists saved_searches_delete_own on public.saved_searches;
create policy saved_searches_delete_own on public.saved_searches for delete to authenticated
    using (user_id = (select public.current_user_id()));
