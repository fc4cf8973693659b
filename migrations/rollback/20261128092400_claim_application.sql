-- Undoes 20261128092400_claim_application.sql.
drop function if exists public.claim_application(uuid, text);
drop function if exists private.is_own_file(text, uuid);
