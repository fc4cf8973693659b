-- Undoes 20261128092700_apply_skyvern_run_events.sql.
drop function if exists private.apply_waiting_skyvern_events(uuid, text);
drop function if exists private.hear_of_erased_application(private.application_runs, text, text, boolean, jsonb);
drop function if exists private.apply_earlier_skyvern_run_event(
    public.applications, text, text, boolean, jsonb, text);
drop function if exists private.apply_skyvern_run_event(public.applications, text, integer, boolean, jsonb, text);
drop function if exists private.keep_proof_of_run(public.applications, text, jsonb, text);
drop function if exists private.note_proof_of_run(text);
drop function if exists private.has_proven_run(text);
drop function if exists private.note_end_of_run(text, text, boolean);
drop function if exists private.message_of_late_stop();
drop function if exists private.tell_of_application(public.applications, public.application_status_type, jsonb);
drop function if exists private.name_the_posting(text, public.applications);
