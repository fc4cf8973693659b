-- What lets a cached answer stay where it is: a caller that names the version it has is not sent the results again, and
-- the ids are at hand without unpacking the results. Expand step: both columns have defaults.
alter table public.job_search_cache
    add column if not exists version uuid not null default gen_random_uuid(), -- new with every fetch
    add column if not exists job_ids text[] not null default '{}';
