-- Undoes 20261128092370_create_application_limits.sql. What an operator has changed of the limits is lost.
drop function if exists private.refuse_beyond_application_limits(public.users, uuid);
drop table if exists private.application_limits;
