-- Undoes 20261120160000_give_alerts_a_share_of_job_searches.sql. What alerts asked is forgotten to be theirs, and goes on
-- counting for everybody.
drop function if exists private.job_search_calls_left_for_alerts();
drop function if exists private.reserve_job_search_call(uuid, uuid, boolean);
drop index if exists private.idx_job_search_calls_called_at_of_alerts;
update private.job_search_calls set user_id = null where is_alert;
alter table private.job_search_calls drop column if exists is_alert;
alter table private.job_search_limits
    drop column if exists calls_for_alerts,
    drop column if exists calls_for_alerts_per_person;
