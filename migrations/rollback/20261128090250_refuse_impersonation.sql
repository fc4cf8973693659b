-- Undoes 20261128090250_refuse_impersonation.sql.
drop function if exists private.refuse_impersonation();
