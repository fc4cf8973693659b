-- Undoes 20261128094200_queue_due_saved_search_alerts.sql.
drop function if exists public.queue_due_saved_search_alerts();
