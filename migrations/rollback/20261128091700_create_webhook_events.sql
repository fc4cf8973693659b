-- Undoes 20261128091700_create_webhook_events.sql. Events that wait for their run are lost.
drop table if exists public.webhook_events;
