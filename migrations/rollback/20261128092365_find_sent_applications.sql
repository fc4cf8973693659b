-- Undoes 20261128092365_find_sent_applications.sql.
drop trigger if exists on_application_details_changed_note_outcome_of_run on public.applications;
drop function if exists private.note_outcome_of_run();
drop function if exists private.sent_application(public.applications);
drop function if exists private.is_waiting(uuid);
drop function if exists private.may_have_been_sent(private.application_runs);
