-- How many files a person may have in each bucket: `files` in private.row_limits.

-- A trigger, since a policy counts without the file of a neighbouring upload, and does not apply to what the service
-- uploads for a person. Storage calls a refusal by a policy "new row violates row-level security policy", whatever the
-- reason, but passes on the text of any other error (with status 500), so the reason is a word in the text.
create or replace function private.limit_files_per_person()
    returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    at_most integer;
    folder  record;
    present bigint;
begin
    select per_person into at_most from private.row_limits where table_name = 'files';
    if at_most is null then
        return null;
    end if;
    perform private.lock_rows_of_people('files', array(
        select distinct bucket_id || '/' || (storage.foldername(name))[1] from inserted
        where bucket_id in ('resumes', 'cover_letters')));
    for folder in
        select distinct bucket_id, (storage.foldername(name))[1] as name from inserted
        where bucket_id in ('resumes', 'cover_letters')
    loop
        -- Executed as text, so that the index is used, which needs to see the beginning of the name.
        execute
            'select count(*) from (select from storage.objects where bucket_id = $1 and name like $2 limit $3) as counted'
        into present
        using folder.bucket_id, replace(replace(replace(folder.name, '\', '\\'), '%', '\%'), '_', '\_') || '/%',
              at_most + 1;
        if present > at_most then
            raise exception 'too_many_files: a person may have % files in %', at_most, folder.bucket_id
                using errcode = 'check_violation';
        end if;
    end loop;
    return null;
end
$$;
revoke all on function private.limit_files_per_person() from public, anon, authenticated, service_role;
comment on function private.limit_files_per_person() is
    'Refuses files beyond what a person may have. '
    'Definer: it reads private.row_limits, and counts files that the policies of a caller may hide. '
    'Bounds: a trigger function, which nobody can call: it counts only in the folders of the files that are being '
    'inserted, and no further than the limit.';

create or replace trigger on_objects_inserted_limit_files
    after insert on storage.objects referencing new table as inserted
    for each statement execute function private.limit_files_per_person();
