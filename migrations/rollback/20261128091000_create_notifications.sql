-- Undoes 20261128091000_create_notifications.sql.
drop table if exists public.notifications;
drop function if exists private.set_read_at();
drop type if exists public.notification_type;
