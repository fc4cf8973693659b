-- Undoes 20261128093400_follow_push_tickets.sql.
drop function if exists public.record_push_receipts(jsonb);
drop function if exists public.claim_push_receipts();
drop function if exists public.queue_due_push_receipts();
