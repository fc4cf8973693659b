-- Undoes 20261128090600_guard_application_status.sql: a person may then set any status.
drop trigger if exists on_application_updated_guard_status on public.applications;
drop trigger if exists on_application_inserted_guard_status on public.applications;
drop function if exists private.guard_application_status();
drop function if exists private.is_decision_of_person(public.application_status_type);
