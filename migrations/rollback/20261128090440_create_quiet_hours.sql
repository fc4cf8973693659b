-- Undoes 20261128090440_create_quiet_hours.sql.
drop function if exists private.may_disturb_from(uuid);
drop function if exists private.clock_of_person(uuid);
drop function if exists private.after_quiet_hours(timestamptz, text, smallint, smallint);
