-- Undoes 20261120091500_create_resumes.sql. The files in storage stay.
drop table if exists public.resumes;
