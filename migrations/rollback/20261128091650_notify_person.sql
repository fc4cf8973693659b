-- Undoes 20261128091650_notify_person.sql.
drop function if exists private.notify_person(uuid, public.notification_type, text, text, uuid, text, jsonb, timestamptz);
drop table if exists private.notification_channels;
