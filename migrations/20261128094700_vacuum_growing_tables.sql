-- How tables that grow are vacuumed and filled.

-- By default a table is vacuumed when a fifth of its rows are dead, and analyzed when a tenth have changed. Of a million
-- rows that is days too late: until then every index scan walks over the dead ones, and the planner knows nothing of the
-- new ones. A fiftieth keeps each round small. Small tables stay with the default, which is soon enough for them.
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
            'alter table %s set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05, '
            'autovacuum_analyze_scale_factor = 0.02)', grown);
    end loop;
end
$$;

-- Rows that are written again and again in columns that no index has: room in their pages keeps the new version there,
-- without an entry in any index. Elsewhere room is wasted: what changes there is indexed, as `receipt_due_at` is.
alter table public.user_push_tokens set (fillfactor = 85); -- last_seen_at, at every start of the app
alter table public.saved_searches set (fillfactor = 85); -- last_run_at, at every alert
alter table private.saved_search_sightings set (fillfactor = 80); -- sighted_at, likewise
alter table private.clerk_accounts set (fillfactor = 90); -- updated_at, at every change of an account
alter table public.users set (fillfactor = 90); -- what a person writes about themselves
alter table public.applications set (fillfactor = 90); -- what a person writes into a draft
