-- Undoes 20261128090500_create_applications.sql. Every application is lost.
drop table if exists public.applications;
drop function if exists private.note_chosen_resume();
drop function if exists public.handle_application_status_update_timestamp();
drop type if exists public.application_status;
drop type if exists public.application_status_type;
