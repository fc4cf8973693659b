-- Undoes 20261128094400_queue_due_reconciliations.sql.
drop function if exists public.queue_due_reconciliations();
