-- Undoes 20261128091850_limit_files_per_person.sql.
drop trigger if exists on_objects_inserted_limit_files on storage.objects;
drop function if exists private.limit_files_per_person();
