-- Undoes 20261128094300_record_saved_search_alerts.sql.
drop function if exists public.record_saved_search_alert(uuid, bigint, uuid, timestamptz, jsonb, timestamptz);
drop function if exists private.describe_new_postings(text, bigint, jsonb);
drop function if exists public.saved_search_to_alert(uuid, uuid);
drop function if exists private.saved_search_of_job(uuid, uuid);
