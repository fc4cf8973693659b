-- Undoes 20261128091900_publish_to_realtime.sql.
do $$
declare
    published text;
begin
    for published in
        select tablename from pg_catalog.pg_publication_tables
        where pubname = 'supabase_realtime' and schemaname = 'public'
          and tablename in ('applications', 'background_jobs', 'notifications')
    loop
        execute format('alter publication supabase_realtime drop table public.%I', published);
    end loop;
end
$$;
