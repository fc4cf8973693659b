-- The postings: those that the sync brings, and those that providers write themselves.
do $$
begin
    if to_regtype('public.h1b_sponsor_status') is null then
        create type public.h1b_sponsor_status as enum ('unknown', 'sponsor', 'not_sponsor');
    end if;
end
$$;

create table if not exists public.jobs (
    id                     uuid primary key default gen_random_uuid(),
    -- Where it comes from, and its id there. A provider's own posting has no id elsewhere.
    source                 text not null default 'provider',
    external_id            text,
    provider_id            uuid default public.current_user_id(),
    title                  text not null,
    company                text,
    company_logo_url       text,
    -- Without HTML, lines kept. Empty where the source has none.
    description            text not null,
    -- SHA-256 in hexadecimal digits; null for an empty description, which identifies no posting.
    description_hash       text,
    url                    text, -- where to apply
    publisher              text, -- the board that it was found on
    location               text, -- in words, for people
    city                   text,
    state                  text,
    country                text,
    is_remote              boolean, -- null where nobody says
    work_arrangement       public.work_preference_type,
    employment_types       text[] not null default '{}',
    salary_min             numeric,
    salary_max             numeric,
    salary_period          text,
    salary_currency        text, -- mostly unknown, and never guessed from the country
    salary_text            text,
    posted_at              timestamptz default now(),
    h1b_sponsor_status     public.h1b_sponsor_status not null default 'unknown',
    lane                   text,
    click_count            integer not null default 0,
    -- Derived from the description, and cleared when that changes.
    skills_required        jsonb,
    resume_guide_generated jsonb,
    prep_guide_generated   jsonb,
    schema_version         integer not null default 1, -- of these three
    embedding              extensions.vector(384),
    status                 text not null default 'active',
    -- Whether the source still shows it.
    is_active              boolean not null default true,
    last_seen              timestamptz,
    -- The names of the sync's queries that have found it: only these can tell that it is gone.
    seen_by                text[] not null default '{}',
    created_at             timestamptz not null default now(),
    updated_at             timestamptz not null default now(),
    constraint jobs_fk_provider foreign key (provider_id) references public.users (id) on delete cascade,
    constraint jobs_unique_source_external_id unique (source, external_id),
    constraint jobs_check_source check (source ~ '^[a-z][a-z0-9_-]{0,49}$'),
    constraint jobs_check_external_id check (char_length(external_id) between 1 and 300),
    -- What the sync brings belongs to no provider, so that none can take it over.
    constraint jobs_check_provider_id check ((source = 'provider') = (provider_id is not null)),
    constraint jobs_check_title check (char_length(title) between 1 and 300),
    constraint jobs_check_company check (char_length(company) between 1 and 300),
    constraint jobs_check_company_logo_url
        check (char_length(company_logo_url) <= 2083 and company_logo_url ~* '^https?://[^[:space:]/]+[^[:space:]]*$'),
    constraint jobs_check_description check (octet_length(description) <= 20000),
    constraint jobs_check_url check (char_length(url) <= 2083 and url ~* '^https?://[^[:space:]/]+[^[:space:]]*$'),
    constraint jobs_check_publisher check (char_length(publisher) <= 300),
    constraint jobs_check_location check (char_length(location) <= 300),
    constraint jobs_check_city check (char_length(city) <= 300),
    constraint jobs_check_state check (char_length(state) <= 300),
    constraint jobs_check_country check (char_length(country) <= 100),
    constraint jobs_check_employment_types
        check (employment_types <@ array['FULLTIME', 'CONTRACTOR', 'PARTTIME', 'INTERN']),
    constraint jobs_check_salary check (salary_min >= 0 and salary_max >= salary_min),
    constraint jobs_check_salary_period check (salary_period in ('YEAR', 'MONTH', 'WEEK', 'DAY', 'HOUR')),
    constraint jobs_check_salary_currency check (salary_currency ~ '^[A-Z]{3}$'),
    constraint jobs_check_salary_text check (char_length(salary_text) <= 300),
    constraint jobs_check_lane check (char_length(lane) between 1 and 100),
    constraint jobs_check_click_count check (click_count >= 0),
    constraint jobs_check_skills_required check (jsonb_typeof(skills_required) = 'array'),
    constraint jobs_check_status check (status in ('processing', 'active'))
)
-- Updating only `last_seen` and `seen_by` stays within the page and touches no index, since they are in none.
with (fillfactor = 80);
comment on table public.jobs is 'The postings, of the sync and of providers.';

create index if not exists idx_jobs_provider_id on public.jobs (provider_id);
create index if not exists idx_jobs_source_active on public.jobs (source) where is_active;
-- Of all postings, although lists show the active ones: a provider's own are shown in any case, so the policy says "or",
-- and an index of the active ones alone would not be used.
create index if not exists idx_jobs_posted_at on public.jobs (posted_at desc);
-- For the purge. Providers keep what they wrote.
create index if not exists idx_jobs_updated_at_inactive
    on public.jobs (updated_at) where not is_active and source <> 'provider';
create index if not exists idx_jobs_description_hash on public.jobs (description_hash) where embedding is not null;
create index if not exists idx_jobs_embedding_hnsw
    on public.jobs using hnsw (embedding extensions.vector_cosine_ops) with (m = 16, ef_construction = 64);

-- Neither a click nor being seen again is a change of the posting.
create or replace trigger on_jobs_updated
    before update of source, external_id, provider_id, title, company, company_logo_url, description, url, publisher,
        location, city, state, country, is_remote, work_arrangement, employment_types, salary_min, salary_max,
        salary_period, salary_currency, salary_text, posted_at, h1b_sponsor_status, lane, skills_required,
        resume_guide_generated, prep_guide_generated, schema_version, embedding, status, is_active
    on public.jobs
    for each row execute function public.handle_updated_at();

-- Whether the caller may write postings.
create or replace function private.is_provider()
    returns boolean
    language sql
    stable
    security definer
    set search_path = ''
as $$
    select exists (select from public.users where id = public.current_user_id() and role = 'provider')
$$;
revoke all on function private.is_provider() from public, anon, authenticated, service_role;
grant execute on function private.is_provider() to authenticated;
comment on function private.is_provider() is
    'Whether the caller is a provider. '
    'Definer: policies call it for a person, who must not need rights on users for that. '
    'Bounds: it takes no arguments and returns only the caller''s own role.';

alter table public.jobs enable row level security;
revoke all on table public.jobs from anon, authenticated, service_role;
grant select, delete on table public.jobs to authenticated;
-- Not what is counted, derived or synced.
grant insert (provider_id, title, company, company_logo_url, description, url, location, city, state, country, is_remote,
              work_arrangement, employment_types, salary_min, salary_max, salary_period, salary_currency, salary_text,
              is_active),
      update (title, company, company_logo_url, description, url, location, city, state, country, is_remote,
              work_arrangement, employment_types, salary_min, salary_max, salary_period, salary_currency, salary_text,
              is_active)
    on table public.jobs to authenticated;
grant select, insert, update, delete on table public.jobs to service_role;

-- Everybody who is signed in sees the active postings; a provider also sees and changes those that are their own.
drop policy if exists jobs_select_active_or_own on public.jobs;
create policy jobs_select_active_or_own on public.jobs for select to authenticated
    using ((is_active and status = 'active' and (select public.current_user_id()) is not null)
           or provider_id = (select public.current_user_id()));

drop policy if exists jobs_insert_own on public.jobs;
create policy jobs_insert_own on public.jobs for insert to authenticated
    with check (provider_id = (select public.current_user_id()) and (select private.is_provider()));

drop policy if exists jobs_update_own on public.jobs;
create policy jobs_update_own on public.jobs for update to authenticated
    using (provider_id = (select public.current_user_id()) and (select private.is_provider()))
    with check (provider_id = (select public.current_user_id()) and (select private.is_provider()));

drop policy if exists jobs_delete_own on public.jobs;
create policy jobs_delete_own on public.jobs for delete to authenticated
    using (provider_id = (select public.current_user_id()) and (select private.is_provider()));
