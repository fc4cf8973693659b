-- Where people's files are stored: two private buckets, 5 MB a file, PDF, DOCX and plain text.
insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types)
select bucket, bucket, false, 5 * 1024 * 1024, array[
    'application/pdf',
    'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
    'text/plain']
from unnest(array['resumes', 'cover_letters']) as bucket
on conflict (id) do update
    set public = excluded.public,
        file_size_limit = excluded.file_size_limit,
        allowed_mime_types = excluded.allowed_mime_types;

-- The first folder of a path is the person's id, and it alone decides. The columns `owner` and `owner_id` do not help:
-- the first is empty for Clerk's ids, and neither is set when the service uploads for a person.
--
-- For files that are there, the policies say it twice. Under row security no index serves what a request says about a
-- part of a name, so the policy has to bring a range of its own: names from `<id>/` up to `<id>0`, zero being the
-- character after the slash, which Supabase's index name_prefix_search finds.
drop policy if exists person_files_select_own on storage.objects;
create policy person_files_select_own on storage.objects for select to authenticated
    using (bucket_id in ('resumes', 'cover_letters')
           and (storage.foldername(name))[1] = (select public.current_user_id())::text
           and name operator(pg_catalog.~>=~) ((select public.current_user_id()) || '/')
           and name operator(pg_catalog.~<~) ((select public.current_user_id()) || '0'));

drop policy if exists person_files_insert_own on storage.objects;
create policy person_files_insert_own on storage.objects for insert to authenticated
    with check (bucket_id in ('resumes', 'cover_letters')
                and (storage.foldername(name))[1] = (select public.current_user_id())::text);

drop policy if exists person_files_update_own on storage.objects;
create policy person_files_update_own on storage.objects for update to authenticated
    using (bucket_id in ('resumes', 'cover_letters')
           and (storage.foldername(name))[1] = (select public.current_user_id())::text
           and name operator(pg_catalog.~>=~) ((select public.current_user_id()) || '/')
           and name operator(pg_catalog.~<~) ((select public.current_user_id()) || '0'))
    with check (bucket_id in ('resumes', 'cover_letters')
                and (storage.foldername(name))[1] = (select public.current_user_id())::text);

drop policy if exists person_files_delete_own on storage.objects;
create policy person_files_delete_own on storage.objects for delete to authenticated
    using (bucket_id in ('resumes', 'cover_letters')
           and (storage.foldername(name))[1] = (select public.current_user_id())::text
           and name operator(pg_catalog.~>=~) ((select public.current_user_id()) || '/')
           and name operator(pg_catalog.~<~) ((select public.current_user_id()) || '0'));
