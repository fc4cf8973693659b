-- Undoes 20261128092850_delete_applications.sql. What is deleted or erased stays so.
drop function if exists public.erase_application(uuid);
drop function if exists public.restore_application(uuid);
drop function if exists public.delete_application(uuid, text);
