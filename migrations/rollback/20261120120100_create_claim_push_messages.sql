-- Undoes 20261120120100_create_claim_push_messages.sql.
drop function if exists public.claim_push_messages(jsonb);
