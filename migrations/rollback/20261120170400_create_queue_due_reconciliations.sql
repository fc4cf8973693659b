-- Undoes 20261120170400_create_queue_due_reconciliations.sql.
drop function if exists public.queue_due_reconciliations();
