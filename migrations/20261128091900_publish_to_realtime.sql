-- Clients hear of changes to their applications, their notifications and their background jobs as they happen. Realtime
-- applies the select policies to insertions and updates, so that of the queue a person hears of the jobs that are theirs
-- and meant for people, and of their progress. A deletion tells every subscriber the primary key of the row, and nothing
-- else of it; a subscription with a filter on `user_id`, which is not a part of the key, is spared that.
--
-- The primary keys are the replica identity: what a row was before is of no use to an app, and the queue, which is
-- written much, would pay for the whole old row of each update in the log.
do $$
declare
    wanted text;
begin
    foreach wanted in array array['applications', 'background_jobs', 'notifications'] loop
        if not exists (select from pg_catalog.pg_publication_tables
                       where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = wanted) then
            execute format('alter publication supabase_realtime add table public.%I', wanted);
        end if;
    end loop;
end
$$;
