-- Undoes 20261120100100_create_put_clerk_account.sql. The accounts that it made stay.
drop function if exists private.put_clerk_account(text, text, boolean, text, text, bigint);
drop function if exists private.plain_phone(text);
drop function if exists private.plain_email(text);
