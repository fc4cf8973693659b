-- What is derived from the descriptions of postings, and finding the ones that are near in meaning.

-- Keeps the hash correct, and what is derived from the description together with it: a posting whose text is known from
-- another one takes over what that one has, so that nobody pays for it again. Runs as the owner, since the writer may
-- not see the other posting.
create or replace function private.handle_job_description()
    returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    new.description_hash := case when new.description <> '' then
        encode(sha256(convert_to(new.description, 'UTF8')), 'hex') end;
    if tg_op = 'UPDATE' and new.description_hash is not distinct from old.description_hash
        or tg_op = 'INSERT' and new.embedding is not null then
        return new;
    end if;
    select same.skills_required, same.resume_guide_generated, same.prep_guide_generated, same.schema_version,
           same.embedding
    into new.skills_required, new.resume_guide_generated, new.prep_guide_generated, new.schema_version, new.embedding
    from public.jobs as same
    where same.description_hash = new.description_hash and same.embedding is not null and same.id <> new.id
    limit 1;
    new.schema_version := coalesce(new.schema_version, 1);
    return new;
end
$$;
revoke all on function private.handle_job_description() from public, anon, authenticated, service_role;
comment on function private.handle_job_description() is
    'Keeps the hash of a posting''s description, and what is derived from it. '
    'Definer: it copies from a posting with the same text, which the writer may not see. '
    'Bounds: a trigger function, which nobody can call: it changes only the row that is being written.';

create or replace trigger on_jobs_described
    before insert or update of description on public.jobs
    for each row execute function private.handle_job_description();

-- The active postings whose descriptions are nearest to an embedding, the nearest first; similarity is 1 for the same
-- direction. Runs with the caller's rights, so a person gets what they may see.
create or replace function public.match_jobs(query_embedding extensions.vector(384), match_count integer default 10)
    returns table (id uuid, similarity double precision)
    language plpgsql
    stable
    set search_path = ''
as $$
begin
    -- The index does not know which postings are active, so the scan goes on until it has found enough of them. Set
    -- here and not as the function's own setting, which needs a superuser where pgvector is not loaded yet.
    perform set_config('hnsw.iterative_scan', 'strict_order', true);
    return query
        select job.id, 1 - (job.embedding operator(extensions.<=>) query_embedding)
        from public.jobs as job
        where job.embedding is not null and job.is_active and job.status = 'active'
        order by job.embedding operator(extensions.<=>) query_embedding
        limit least(greatest(coalesce(match_count, 10), 0), 200);
end
$$;
revoke all on function public.match_jobs(extensions.vector, integer) from public, anon, authenticated, service_role;
grant execute on function public.match_jobs(extensions.vector, integer) to authenticated, service_role;
