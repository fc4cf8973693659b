-- Undoes 20261128092345_circuit_breakers_of_jobs.sql.
drop function if exists private.unless_skyvern_is_paused(jsonb);
drop function if exists private.note_settled_jobs(jsonb);
drop function if exists private.one_cancellation_on_trial(uuid[]);
drop function if exists private.call_outcome(text);
drop function if exists private.paused_job_types();
