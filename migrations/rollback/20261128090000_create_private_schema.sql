-- Undoes 20261128090000_create_private_schema.sql.
drop function if exists private.handle_soft_delete();
drop function if exists public.handle_updated_at();
drop function if exists private.refuse(text, integer, text, text, integer);
drop schema if exists private;
