-- Undoes 20261128092380_company_keys.sql.
drop function if exists private.company_key(text);
