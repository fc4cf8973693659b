-- Clients hear of changes to their applications and notifications as they happen. Realtime applies the select policies;
-- a deletion tells every subscriber the primary key of the row, and nothing else of it.
do $$
declare
    wanted text;
begin
    foreach wanted in array array['applications', 'notifications'] loop
        if not exists (select from pg_catalog.pg_publication_tables
                       where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = wanted) then
            execute format('alter publication supabase_realtime add table public.%I', wanted);
        end if;
    end loop;
end
$$;
