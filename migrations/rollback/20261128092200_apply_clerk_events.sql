-- Undoes 20261128092200_apply_clerk_events.sql. What was deleted stays deleted.
drop function if exists public.apply_clerk_event(text, text, text, bigint, jsonb, text, uuid);
drop function if exists private.delete_clerk_account(text);
