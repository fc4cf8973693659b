-- Undoes 20261128094100_create_saved_search_alerts.sql. What was found before is forgotten.
drop trigger if exists on_users_updated_schedule on public.users;
drop trigger if exists on_user_preferences_updated_schedule on public.user_preferences;
drop trigger if exists on_user_preferences_created_or_deleted_schedule on public.user_preferences;
drop trigger if exists on_saved_searches_updated_schedule on public.saved_searches;
drop trigger if exists on_saved_searches_created_schedule on public.saved_searches;
drop function if exists private.schedule_saved_searches_of_person();
drop function if exists private.schedule_saved_search();
drop trigger if exists on_saved_search_alerts_updated_take_a_turn on private.saved_search_alerts;
drop trigger if exists on_saved_search_alerts_created_take_a_turn on private.saved_search_alerts;
drop function if exists private.take_a_turn();
drop function if exists private.alert_due_at(public.saved_searches, timestamptz);
drop function if exists private.is_alert_wanted(public.saved_searches);
drop function if exists private.next_alert_of_person(uuid, jsonb, timestamptz);
drop function if exists private.next_alert_at(jsonb, text, text, smallint, smallint, timestamptz);
drop function if exists private.alert_frequency(uuid);
drop table if exists private.saved_search_sightings;
drop table if exists private.saved_search_alert_turns;
drop table if exists private.saved_search_alerts;
