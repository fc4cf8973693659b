-- Undoes 20261128090400_create_user_preferences.sql.
drop table if exists public.user_preferences;
drop type if exists public.work_preference_type;
drop type if exists public.employment_type;
