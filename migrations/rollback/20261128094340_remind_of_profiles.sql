-- Undoes 20261128094340_remind_of_profiles.sql.
drop function if exists public.remind_of_profiles(integer);
drop function if exists public.queue_due_profile_reminders();
drop function if exists private.wants_profile_reminder(uuid);
drop function if exists private.missing_for_applying(public.users);
drop trigger if exists on_users_created_schedule_reminder on public.users;
drop function if exists private.schedule_profile_reminder();
drop table if exists private.profile_reminders;
