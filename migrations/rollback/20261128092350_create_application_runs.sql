-- Undoes 20261128092350_create_application_runs.sql. Which runs an application had before its latest one is forgotten.
drop table if exists private.application_runs;
