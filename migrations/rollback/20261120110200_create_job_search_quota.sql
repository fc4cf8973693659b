-- Undoes 20261120110200_create_job_search_quota.sql. What was called is forgotten with it.
drop function if exists private.reserve_job_search_call(uuid);
drop table if exists private.job_search_calls;
drop table if exists private.job_search_limits;
