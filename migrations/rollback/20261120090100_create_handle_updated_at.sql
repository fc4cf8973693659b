-- Undoes 20261120090100_create_handle_updated_at.sql.
drop function if exists public.handle_updated_at();
