-- Undoes 20261128091100_create_resumes.sql. The files in storage stay.
drop function if exists public.make_resume_primary(uuid);
drop table if exists public.resumes;
drop function if exists private.follow_primary_resume();
drop function if exists private.lock_person_of_resumes();
