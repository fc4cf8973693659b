-- Undoes 20261128091200_create_user_push_tokens.sql. People get no push messages until their devices register again.
drop function if exists public.register_push_token(text, text, text);
drop table if exists public.user_push_tokens;
