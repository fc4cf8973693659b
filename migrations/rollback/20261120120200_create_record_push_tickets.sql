-- Undoes 20261120120200_create_record_push_tickets.sql.
drop function if exists public.record_push_tickets(timestamptz, jsonb, jsonb);
