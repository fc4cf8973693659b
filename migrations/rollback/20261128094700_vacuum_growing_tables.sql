-- Undoes 20261128094700_vacuum_growing_tables.sql. `jobs` keeps the fillfactor that it was created with.
do $$
declare
    grown text;
begin
    foreach grown in array array[
        'public.users', 'public.user_preferences', 'public.applications', 'public.application_events',
        'public.saved_jobs', 'public.saved_searches', 'public.notifications', 'public.resumes',
        'public.user_push_tokens', 'public.webhook_events', 'public.job_search_cache', 'public.push_tickets',
        'public.jobs', 'private.clerk_accounts', 'private.job_clicks', 'private.saved_search_alerts',
        'private.saved_search_sightings', 'private.saved_search_alert_turns', 'private.application_runs',
        'public.application_deletions', 'private.profile_reminders']
    loop
        execute format(
            'alter table if exists %s reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_insert_scale_factor, '
            'autovacuum_analyze_scale_factor)', grown);
    end loop;
end
$$;
alter table if exists public.user_push_tokens reset (fillfactor);
alter table if exists public.saved_searches reset (fillfactor);
alter table if exists private.saved_search_sightings reset (fillfactor);
alter table if exists private.clerk_accounts reset (fillfactor);
alter table if exists public.users reset (fillfactor);
alter table if exists public.applications reset (fillfactor);
