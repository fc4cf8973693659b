-- Undoes 20261128091800_create_storage_buckets.sql, but never at the price of people's files: while there are any, it
-- refuses. Remove them through the Storage API first.
do $$
begin
    if exists (select from storage.objects where bucket_id in ('resumes', 'cover_letters')) then
        raise exception 'the buckets resumes and cover_letters still hold files of people'
            using hint = 'Remove the files through the Storage API first.';
    end if;
    perform set_config('storage.allow_delete_query', 'true', true);
    delete from storage.buckets where id in ('resumes', 'cover_letters');
    perform set_config('storage.allow_delete_query', 'false', true);
end
$$;

drop policy if exists person_files_delete_own on storage.objects;
drop policy if exists person_files_update_own on storage.objects;
drop policy if exists person_files_insert_own on storage.objects;
drop policy if exists person_files_select_own on storage.objects;
