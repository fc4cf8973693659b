-- Undoes 20261128094350_create_application_run_deadline.sql. Another deadline than two hours is forgotten.
drop function if exists private.application_run_deadline();
drop table if exists private.application_run_limits;
