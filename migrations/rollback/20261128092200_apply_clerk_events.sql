-- Undoes 20261128092200_apply_clerk_events.sql. What was deleted stays deleted.
drop function if exists public.apply_clerk_event(text, text, text, bigint, jsonb, text, uuid);
drop trigger if exists on_webhook_events_created_forget_deleted_person on public.webhook_events;
drop function if exists private.forget_event_of_deleted_person();
drop function if exists private.delete_clerk_account(text);
