-- Undoes 20261128092800_apply_skyvern_event.sql.
drop function if exists public.apply_skyvern_event(
    text, text, integer, boolean, uuid, uuid, jsonb, text, uuid, text);
