-- Undoes 20261120170500_create_application_to_reconcile.sql.
drop function if exists public.application_to_reconcile(uuid, uuid);
