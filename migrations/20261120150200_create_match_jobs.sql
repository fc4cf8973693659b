-- The active postings whose descriptions are nearest to an embedding, the nearest first; similarity is 1 for the same
-- direction. Runs with the caller's rights, so a person is shown what they may see.
create or replace function public.match_jobs(query_embedding extensions.vector(384), match_count integer default 10)
    returns table (id uuid, similarity double precision)
    language plpgsql
    stable
    set search_path = ''
as $$
begin
    -- The index knows nothing of what is active, so it goes on until enough of them are found. Said here and not as the
    -- function's own setting: that needs a superuser where pgvector is not loaded yet.
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
