-- Undoes 20261128090900_create_saved_searches.sql.
drop table if exists public.saved_searches;
