-- Undoes 20261128091000_create_notifications.sql.
drop table if exists public.notifications;
drop type if exists public.notification_type;
