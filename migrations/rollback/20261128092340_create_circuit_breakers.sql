-- Undoes 20261128092340_create_circuit_breakers.sql.
drop function if exists public.note_vendor_call(text, text, bigint, boolean);
drop function if exists public.pass_circuit_breaker(text, boolean);
drop function if exists private.note_vendor_call(text, text, bigint, boolean);
drop function if exists private.give_back_trial(text);
drop function if exists private.pass_circuit_breaker(text, boolean);
drop function if exists private.circuit_breaker_pause(text, boolean);
drop table if exists private.circuit_breakers;
