-- What kind of job a person looks for: one row per person, which they write themselves.
do $$
begin
    if to_regtype('public.employment_type') is null then
        create type public.employment_type as enum ('full-time', 'part-time', 'contract', 'internship', 'temporary');
    end if;
    if to_regtype('public.work_preference_type') is null then
        create type public.work_preference_type as enum ('remote', 'hybrid', 'onsite');
    end if;
end
$$;

create table if not exists public.user_preferences (
    user_id              uuid primary key default public.current_user_id(),
    preferred_job_titles text[],
    target_locations     jsonb,
    schema_version       integer not null default 1, -- of target_locations
    salary_min           integer,
    salary_max           integer,
    salary_currency      text default 'USD',
    employment_types     public.employment_type[],
    industries           text[],
    key_skills           text[],
    work_arrangement     public.work_preference_type[],
    excluded_companies   text[], -- nothing is sent to these, whatever the spelling of their legal form
    receive_job_alerts   boolean default true,
    alert_frequency      text default 'daily',
    -- Hours of the clock in users.timezone; equal ones mean that no hour is quiet.
    quiet_hours_start    smallint not null default 21,
    quiet_hours_end      smallint not null default 8,
    updated_at           timestamptz not null default now(),
    constraint user_preferences_fk_user foreign key (user_id) references public.users (id) on delete cascade,
    -- These lists go into prompts and searches unchanged, so their size is limited to what fits there.
    constraint user_preferences_check_preferred_job_titles check (
        cardinality(preferred_job_titles) <= 50 and octet_length(array_to_string(preferred_job_titles, '')) <= 10000),
    constraint user_preferences_check_target_locations check (
        case when jsonb_typeof(target_locations) = 'array'
             then jsonb_array_length(target_locations) <= 50 and octet_length(target_locations::text) <= 20000
             else target_locations is null end),
    constraint user_preferences_check_salary_min check (salary_min >= 0),
    constraint user_preferences_check_salary_max check (salary_max >= 0 and salary_max >= salary_min),
    constraint user_preferences_check_salary_currency check (salary_currency ~ '^[A-Z]{3}$'),
    constraint user_preferences_check_employment_types check (cardinality(employment_types) <= 10),
    constraint user_preferences_check_industries check (
        cardinality(industries) <= 50 and octet_length(array_to_string(industries, '')) <= 10000),
    constraint user_preferences_check_key_skills check (
        cardinality(key_skills) <= 100 and octet_length(array_to_string(key_skills, '')) <= 10000),
    constraint user_preferences_check_work_arrangement check (cardinality(work_arrangement) <= 10),
    constraint user_preferences_check_excluded_companies check (
        cardinality(excluded_companies) <= 200
        and octet_length(array_to_string(excluded_companies, '')) <= 20000),
    constraint user_preferences_check_alert_frequency check (alert_frequency in ('instant', 'daily', 'weekly')),
    constraint user_preferences_check_quiet_hours_start check (quiet_hours_start between 0 and 23),
    constraint user_preferences_check_quiet_hours_end check (quiet_hours_end between 0 and 23)
);
comment on table public.user_preferences is
    'What kind of job a person looks for, and when and how often they want to be told of postings.';

create or replace trigger on_user_preferences_updated
    before update on public.user_preferences
    for each row execute function public.handle_updated_at();

alter table public.user_preferences enable row level security;
revoke all on table public.user_preferences from anon, authenticated, service_role;
grant select, delete on table public.user_preferences to authenticated;
-- `user_id` may be written too, since an upsert sets every column it sends; the policies keep it the person's own.
grant insert (user_id, preferred_job_titles, target_locations, schema_version, salary_min, salary_max, salary_currency,
              employment_types, industries, key_skills, work_arrangement, excluded_companies, receive_job_alerts,
              alert_frequency, quiet_hours_start, quiet_hours_end),
      update (user_id, preferred_job_titles, target_locations, schema_version, salary_min, salary_max, salary_currency,
              employment_types, industries, key_skills, work_arrangement, excluded_companies, receive_job_alerts,
              alert_frequency, quiet_hours_start, quiet_hours_end)
    on table public.user_preferences to authenticated;
grant select, insert, update, delete on table public.user_preferences to service_role;

drop policy if exists user_preferences_select_own on public.user_preferences;
create policy user_preferences_select_own on public.user_preferences for select to authenticated
    using (user_id = (select public.current_user_id()));

drop policy if exists user_preferences_insert_own on public.user_preferences;
create policy user_preferences_insert_own on public.user_preferences for insert to authenticated
    with check (user_id = (select public.current_user_id()));

drop policy if exists user_preferences_update_own on public.user_preferences;
create policy user_preferences_update_own on public.user_preferences for update to authenticated
    using (user_id = (select public.current_user_id()))
    with check (user_id = (select public.current_user_id()));

drop policy if exists user_preferences_delete_own on public.user_preferences;
create policy user_preferences_delete_own on public.user_preferences for delete to authenticated
    using (user_id = (select public.current_user_id()));
