-- Undoes 20261120090900_create_handle_soft_delete.sql.
drop trigger if exists on_application_deleted on public.applications;
drop function if exists private.handle_soft_delete();
