-- Undoes 20261128092100_put_clerk_account.sql. The accounts that it created stay.
drop function if exists private.put_clerk_account(text, text, text, text, bigint);
drop function if exists private.plain_phone(text);
drop function if exists private.plain_email(text);
