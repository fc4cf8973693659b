-- Undoes 20261120091300_create_saved_searches.sql.
drop table if exists public.saved_searches;
