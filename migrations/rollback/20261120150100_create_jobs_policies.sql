-- Undoes 20261120150100_create_jobs_policies.sql. Without policies nobody but the service sees a posting.
drop policy if exists jobs_delete_own on public.jobs;
drop policy if exists jobs_update_own on public.jobs;
drop policy if exists jobs_insert_own on public.jobs;
drop policy if exists jobs_select_own on public.jobs;
drop policy if exists jobs_select_active on public.jobs;
drop function if exists private.is_provider();
