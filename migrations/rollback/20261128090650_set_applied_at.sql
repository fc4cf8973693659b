-- Undoes 20261128090650_set_applied_at.sql.
drop trigger if exists on_application_updated_set_applied_at on public.applications;
drop trigger if exists on_application_inserted_set_applied_at on public.applications;
drop function if exists private.set_applied_at();
