-- Postings that a person keeps, with a snapshot of the posting at that time.
create table if not exists public.saved_jobs (
    id                   uuid primary key default gen_random_uuid(),
    user_id              uuid not null default public.current_user_id(),
    adzuna_job_id        text,
    job_title            text not null,
    company_name         text not null,
    job_url              text not null,
    location             text,
    salary_summary       text,
    snippet              text,
    job_details_snapshot jsonb,
    schema_version       integer not null default 1, -- of job_details_snapshot
    saved_at             timestamptz not null default now(),
    notes                text,
    constraint saved_jobs_fk_user foreign key (user_id) references public.users (id) on delete cascade,
    constraint saved_jobs_unique_user_id_job_url unique (user_id, job_url),
    constraint saved_jobs_check_adzuna_job_id check (char_length(adzuna_job_id) between 1 and 100),
    constraint saved_jobs_check_job_title check (char_length(job_title) between 1 and 300),
    constraint saved_jobs_check_company_name check (char_length(company_name) between 1 and 300),
    constraint saved_jobs_check_job_url check (char_length(job_url) between 1 and 2083),
    constraint saved_jobs_check_location check (char_length(location) <= 300),
    constraint saved_jobs_check_salary_summary check (char_length(salary_summary) <= 200),
    constraint saved_jobs_check_snippet check (char_length(snippet) <= 5000),
    constraint saved_jobs_check_job_details_snapshot check (octet_length(job_details_snapshot::text) <= 100000),
    constraint saved_jobs_check_notes check (char_length(notes) <= 10000)
);
comment on table public.saved_jobs is 'Postings that a person keeps, each with a snapshot.';
create index if not exists idx_saved_jobs_user_id_saved_at on public.saved_jobs (user_id, saved_at desc);
-- A search marks each posting with what the person has done about it, so their rows are looked up by Adzuna's id.
create index if not exists idx_saved_jobs_user_id_adzuna_job_id
    on public.saved_jobs (user_id, adzuna_job_id) where adzuna_job_id is not null;

alter table public.saved_jobs enable row level security;
revoke all on table public.saved_jobs from anon, authenticated, service_role;
grant select, delete on table public.saved_jobs to authenticated;
grant insert (user_id, adzuna_job_id, job_title, company_name, job_url, location, salary_summary, snippet,
              job_details_snapshot, schema_version, notes),
      update (user_id, adzuna_job_id, job_title, company_name, job_url, location, salary_summary, snippet,
              job_details_snapshot, schema_version, notes)
    on table public.saved_jobs to authenticated;
grant select, insert, update, delete on table public.saved_jobs to service_role;

drop policy if exists saved_jobs_select_own on public.saved_jobs;
create policy saved_jobs_select_own on public.saved_jobs for select to authenticated
    using (user_id = (select public.current_user_id()));

drop policy if exists saved_jobs_insert_own on public.saved_jobs;
create policy saved_jobs_insert_own on public.saved_jobs for insert to authenticated
    with check (user_id = (select public.current_user_id()));

drop policy if exists saved_jobs_update_own on public.saved_jobs;
create policy saved_jobs_update_own on public.saved_jobs for update to authenticated
    using (user_id = (select public.current_user_id()))
    with check (user_id = (select public.current_user_id()));

drop policy if exists saved_jobs_delete_own on public.saved_jobs;
create policy saved_jobs_delete_own on public.saved_jobs for delete to authenticated
    using (user_id = (select public.current_user_id()));
