-- Undoes 20261120091600_create_user_push_tokens.sql. People get no push until their devices register again.
drop table if exists public.user_push_tokens;
