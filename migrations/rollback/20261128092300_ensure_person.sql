-- Undoes 20261128092300_ensure_person.sql. The people that it created stay.
drop function if exists public.ensure_person();
