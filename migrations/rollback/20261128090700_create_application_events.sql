-- Undoes 20261128090700_create_application_events.sql. The history is lost.
drop trigger if exists on_application_updated_record_event on public.applications;
drop trigger if exists on_application_inserted_record_event on public.applications;
drop function if exists private.attribute_events(text, text);
drop function if exists private.record_application_event();
drop table if exists public.application_events;
