-- Undoes 20261128090450_posting_keys.sql.
drop function if exists private.posting_key(text);
