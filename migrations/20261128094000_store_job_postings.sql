-- Stores up to 500 postings that a run has fetched, and counts them in its log row. What the postings have from people
-- and from us (clicks, lane, sponsorship) stays as it is; a posting that was gone becomes active again.
--
-- Each posting says which query has found it; one that several queries have found comes several times.
--
-- `p_batch` counts the calls of a run from 1; a batch that was stored before changes nothing. `p_skipped` and
-- `p_errors` are postings that were fetched and left out: duplicates, and those that could not be read. Returns
-- {outcome}: stored, or superseded if the run is not the current one any more.
create or replace function public.store_job_postings(
    p_lock_number bigint, p_batch integer, p_postings jsonb, p_skipped integer default 0, p_errors integer default 0)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    run     public.scraping_logs;
    moment  timestamptz;
    given   integer;
    added   integer;
    changed integer;
begin
    if p_batch is null or p_postings is null or jsonb_typeof(p_postings) <> 'array'
        or jsonb_array_length(p_postings) > 500 then
        perform private.refuse('invalid_input', 422, 'a batch has a number and an array of at most 500 postings');
    end if;
    run := private.hold_job_sync(p_lock_number);
    if run.id is null then
        return jsonb_build_object('outcome', 'superseded');
    end if;
    if p_batch <= run.batches then
        return jsonb_build_object('outcome', 'stored');
    end if;
    given := jsonb_array_length(p_postings);
    moment := clock_timestamp();

    with fetched as materialized (
        select distinct on (posting.external_id)
               posting.*, to_timestamp(posting.posted_at_seconds) as posted_at,
               case when posting.description <> '' then
                   encode(sha256(convert_to(posting.description, 'UTF8')), 'hex') end as description_hash
        from rows from (jsonb_to_recordset(p_postings) as (
            external_id text, title text, company text, company_logo_url text, description text, url text,
            publisher text, location text, city text, state text, country text, is_remote boolean,
            work_arrangement public.work_preference_type, employment_types text[], salary_min numeric,
            salary_max numeric, salary_period text, salary_currency text, salary_text text,
            posted_at_seconds double precision)) as posting
        order by posting.external_id
    ),
    finders as materialized (
        select external_id, coalesce(array_agg(distinct query) filter (where query is not null), '{}') as queries
        from jsonb_to_recordset(p_postings) as posting (external_id text, query text)
        group by external_id
    ),
    known as materialized (
        select job.id, job.external_id,
               case when job.seen_by @> finders.queries then job.seen_by
                    else array(select unnest(job.seen_by) union select unnest(finders.queries) order by 1) end as seen_by,
               not job.is_active
               or (job.title, job.company, job.company_logo_url, job.description_hash, job.url, job.publisher,
                   job.location, job.city, job.state, job.country, job.is_remote, job.work_arrangement,
                   job.employment_types, job.salary_min, job.salary_max, job.salary_period, job.salary_currency,
                   job.salary_text, job.posted_at)
               is distinct from
                  (fetched.title, fetched.company, fetched.company_logo_url, fetched.description_hash, fetched.url,
                   fetched.publisher, fetched.location, fetched.city, fetched.state, fetched.country,
                   fetched.is_remote, fetched.work_arrangement, fetched.employment_types, fetched.salary_min,
                   fetched.salary_max, fetched.salary_period, fetched.salary_currency, fetched.salary_text,
                   fetched.posted_at) as has_changed
        from public.jobs as job
        join fetched using (external_id)
        join finders using (external_id)
        where job.source = run.source_name
        order by job.id
        for no key update of job
    ),
    seen as (
        update public.jobs as job set last_seen = moment, seen_by = known.seen_by
        from known
        where job.id = known.id and not known.has_changed
    ),
    updated as (
        update public.jobs as job
        set title = fetched.title, company = fetched.company, company_logo_url = fetched.company_logo_url,
            description = fetched.description, url = fetched.url, publisher = fetched.publisher,
            location = fetched.location, city = fetched.city, state = fetched.state, country = fetched.country,
            is_remote = fetched.is_remote, work_arrangement = fetched.work_arrangement,
            employment_types = fetched.employment_types, salary_min = fetched.salary_min,
            salary_max = fetched.salary_max, salary_period = fetched.salary_period,
            salary_currency = fetched.salary_currency, salary_text = fetched.salary_text,
            posted_at = fetched.posted_at, is_active = true, last_seen = moment, seen_by = known.seen_by
        from known
        join fetched using (external_id)
        where job.id = known.id and known.has_changed
        returning job.id
    ),
    inserted as (
        insert into public.jobs (
            source, external_id, provider_id, title, company, company_logo_url, description, url, publisher, location,
            city, state, country, is_remote, work_arrangement, employment_types, salary_min, salary_max,
            salary_period, salary_currency, salary_text, posted_at, last_seen, seen_by)
        select run.source_name, external_id, null, title, company, company_logo_url, description, url, publisher,
               location, city, state, country, is_remote, work_arrangement, employment_types, salary_min, salary_max,
               salary_period, salary_currency, salary_text, posted_at, moment,
               queries
        from fetched
        join finders using (external_id)
        where not exists (select from known where known.external_id = fetched.external_id)
        returning id
    )
    select (select count(*) from inserted), (select count(*) from updated) into added, changed;

    update public.scraping_logs
    set batches = p_batch,
        jobs_fetched = jobs_fetched + given + coalesce(p_skipped, 0) + coalesce(p_errors, 0),
        jobs_new = jobs_new + added,
        jobs_updated = jobs_updated + changed,
        jobs_skipped = jobs_skipped + given - added - changed + coalesce(p_skipped, 0),
        errors = errors + coalesce(p_errors, 0)
    where id = run.id;
    return jsonb_build_object('outcome', 'stored');
end
$$;
revoke all on function public.store_job_postings(bigint, integer, jsonb, integer, integer)
    from public, anon, authenticated, service_role;
grant execute on function public.store_job_postings(bigint, integer, jsonb, integer, integer) to service_role;
comment on function public.store_job_postings(bigint, integer, jsonb, integer, integer) is
    'Stores postings that a run of the sync has fetched. '
    'Definer: it calls functions of the schema private, which service_role cannot reach. '
    'Bounds: only the current run, known by its fencing token; 500 postings at most, of its source, each batch once; '
    'the checks of jobs limit every column.';
