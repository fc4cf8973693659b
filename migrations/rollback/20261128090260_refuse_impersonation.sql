-- Undoes 20261128090260_refuse_impersonation.sql.
drop function if exists private.refuse_impersonation();
