-- Undoes 20261128090150_create_authorized_parties.sql. Which front ends were accepted is forgotten.
drop function if exists private.token_subject();
drop table if exists private.authorized_parties;
