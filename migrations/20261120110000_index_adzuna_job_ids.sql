-- A search marks each job with what the person has done about it, so their rows are looked up by Adzuna's id.
create index if not exists idx_saved_jobs_user_id_adzuna_job_id
    on public.saved_jobs (user_id, adzuna_job_id) where adzuna_job_id is not null;
create index if not exists idx_applications_user_id_adzuna_job_id
    on public.applications (user_id, adzuna_job_id) where adzuna_job_id is not null and deleted_at is null;
