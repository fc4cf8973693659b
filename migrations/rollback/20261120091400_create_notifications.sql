-- Undoes 20261120091400_create_notifications.sql.
drop table if exists public.notifications;
drop type if exists public.notification_type;
