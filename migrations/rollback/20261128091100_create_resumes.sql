-- Undoes 20261128091100_create_resumes.sql. The files in storage stay.
drop table if exists public.resumes;
