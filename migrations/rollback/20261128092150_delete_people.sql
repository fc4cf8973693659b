-- Undoes 20261128092150_delete_people.sql. What was deleted stays deleted.
drop trigger if exists on_webhook_events_created_forget_deleted_application on public.webhook_events;
drop function if exists private.forget_event_of_deleted_application();
drop trigger if exists on_user_deleted on public.users;
drop trigger if exists on_auth_user_marked_as_deleted on auth.users;
drop trigger if exists on_auth_user_deleted on auth.users;
drop function if exists private.handle_account_deleted();
drop function if exists private.prepare_deletion_of_person(uuid);
