-- The default privileges that hosted projects had until 30 October 2026, on top of hosted_supabase.sql: whatever
-- `postgres` makes in `public` is open to the API roles. Migrations must end the same with and without this file.

alter default privileges for role postgres in schema public
    grant all on tables to postgres, anon, authenticated, service_role;
alter default privileges for role postgres in schema public
    grant all on functions to postgres, anon, authenticated, service_role;
alter default privileges for role postgres in schema public
    grant all on sequences to postgres, anon, authenticated, service_role;
