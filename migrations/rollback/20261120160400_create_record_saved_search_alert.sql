-- Undoes 20261120160400_create_record_saved_search_alert.sql.
drop function if exists public.record_saved_search_alert(uuid, bigint, uuid, timestamptz, jsonb, timestamptz);
drop function if exists private.describe_new_postings(text, bigint, jsonb);
drop function if exists public.saved_search_to_alert(uuid, uuid);
drop function if exists private.saved_search_of_job(uuid, uuid);
