-- Undoes 20261120110000_index_adzuna_job_ids.sql.
drop index if exists public.idx_applications_user_id_adzuna_job_id;
drop index if exists public.idx_saved_jobs_user_id_adzuna_job_id;
