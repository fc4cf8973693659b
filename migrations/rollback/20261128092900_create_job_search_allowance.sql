-- Undoes 20261128092900_create_job_search_allowance.sql. Which calls were made is forgotten.
drop function if exists private.job_search_calls_left_for_alerts();
drop function if exists private.reserve_job_search_call(uuid, uuid, boolean);
drop table if exists private.job_search_calls;
drop table if exists private.job_search_limits;
