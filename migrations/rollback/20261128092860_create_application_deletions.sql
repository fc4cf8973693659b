-- Undoes 20261128092860_create_application_deletions.sql. What is deleted stays so.
drop trigger if exists on_application_deleted_record_deletion on public.applications;
drop function if exists private.record_application_deletion();
drop table if exists public.application_deletions;
