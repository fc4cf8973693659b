-- Undoes 20261128092400_claim_application.sql.
drop function if exists public.claim_application(uuid, text, boolean);
drop function if exists private.claim_application_of(uuid, uuid, text, boolean, uuid);
drop function if exists private.is_own_file(text, uuid);
