-- Undoes 20261120110400_limit_job_searches_per_person.sql. Who called is forgotten, and that they did is not.
drop function if exists private.reserve_job_search_call(uuid, uuid);
drop index if exists private.idx_job_search_calls_user_id_called_at;
alter table private.job_search_calls drop column if exists user_id;
alter table private.job_search_limits drop column if exists calls_per_person;
