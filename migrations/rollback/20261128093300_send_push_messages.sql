-- Undoes 20261128093300_send_push_messages.sql.
drop function if exists public.record_push_tickets(timestamptz, jsonb, jsonb);
drop function if exists private.hold_people_told(uuid[], uuid[]);
drop function if exists public.claim_push_messages(jsonb);
