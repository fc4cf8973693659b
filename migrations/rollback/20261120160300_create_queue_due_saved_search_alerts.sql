-- Undoes 20261120160300_create_queue_due_saved_search_alerts.sql.
drop function if exists public.queue_due_saved_search_alerts();
