-- Undoes 20261120090000_create_private_schema.sql.
drop function if exists private.refuse(text, integer, text, text);
drop schema if exists private;
