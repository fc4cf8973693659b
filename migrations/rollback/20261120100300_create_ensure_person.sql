-- Undoes 20261120100300_create_ensure_person.sql. The people that it made known stay.
drop function if exists public.ensure_person();
