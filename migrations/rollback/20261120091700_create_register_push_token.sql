-- Undoes 20261120091700_create_register_push_token.sql.
drop function if exists public.register_push_token(text, text, text);
