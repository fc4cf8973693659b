-- A person's job applications, tracked from the draft to the end.
do $$
begin
    if to_regtype('public.application_status_type') is null then
        create type public.application_status_type as enum (
            'DRAFT', 'PENDING_SKYVERN_SUBMISSION', 'PROCESSING_BY_SKYVERN', 'SUBMITTED_BY_SKYVERN',
            'REQUIRES_ATTENTION_USER_INPUT', 'REQUIRES_ATTENTION_MANUAL_REVIEW', 'FAILED_SKYVERN_SUBMISSION',
            'FAILED_APPLICATION', 'APPLIED_MANUALLY', 'INTERVIEW_SCHEDULED', 'OFFER_RECEIVED', 'REJECTED_BY_COMPANY',
            'WITHDRAWN_BY_USER');
    end if;
    if to_regtype('public.application_status') is null then
        create type public.application_status as enum (
            'applied', 'screening', 'interview', 'offer', 'closed', 'rejected');
    end if;
end
$$;

create table if not exists public.applications (
    id                            uuid primary key default gen_random_uuid(),
    user_id                       uuid not null default public.current_user_id(),
    job_title                     text not null,
    company_name                  text not null,
    job_url                       text not null,
    -- Which posting it is, whatever the spelling of its address; also the one that `adzuna_job_id` names.
    posting_key                   text not null generated always as (private.posting_key(job_url)) stored,
    adzuna_job_id                 text,
    skyvern_task_id               text,
    status                        public.application_status_type not null default 'DRAFT',
    -- A coarse view for pipelines and statistics. Null before the person has applied; no status means `screening`.
    stage                         public.application_status generated always as (
        case status
            when 'SUBMITTED_BY_SKYVERN' then 'applied'::public.application_status
            when 'APPLIED_MANUALLY' then 'applied'::public.application_status
            when 'INTERVIEW_SCHEDULED' then 'interview'::public.application_status
            when 'OFFER_RECEIVED' then 'offer'::public.application_status
            when 'REJECTED_BY_COMPANY' then 'rejected'::public.application_status
            when 'FAILED_APPLICATION' then 'closed'::public.application_status
            when 'WITHDRAWN_BY_USER' then 'closed'::public.application_status
        end) stored,
    status_details                jsonb,
    schema_version                integer not null default 1, -- of status_details
    applied_at                    timestamptz, -- null until it was sent
    last_status_update_at         timestamptz not null default now(),
    notes                         text,
    resume_url_used               text,
    -- What a run has recorded there although the person had chosen none: with the next run, the primary résumé is sent.
    resume_url_recorded           text,
    cover_letter_url_used         text,
    application_source            text default 'JOBRAKER_AUTOMATED',
    -- What Skyvern last said about the run in `skyvern_task_id`; an older event changes nothing.
    skyvern_run_status            text,
    skyvern_run_attempt           integer,
    skyvern_run_retry_pending     boolean not null default false,
    skyvern_heard_at              timestamptz, -- when Skyvern last said anything about the run
    -- One attempt to start a run, from the claim until it is known whether a run started. While `submission_id` is set,
    -- nobody else may start a run. It is the fencing token: only a caller that knows it can end the submission.
    submission_id                 uuid,
    submission_title              text,
    submission_started_at         timestamptz,
    submission_lease_expires_at   timestamptz,
    submission_outcome            text,
    submission_resume_path        text,
    submission_previous_status    public.application_status_type,
    -- Outlives the submission it started, so that a repeated request gets the first one's response.
    submission_idempotency_key    text,
    -- The person said that they mean it, although they have applied for this posting before.
    submission_apply_again        boolean not null default false,
    -- The background job that hands the application over as soon as Skyvern takes it. Not a foreign key: finished jobs
    -- are purged.
    submission_job_id             uuid,
    deleted_at                    timestamptz,
    deleted_by                    uuid,
    deletion_reason               text,
    created_at                    timestamptz not null default now(),
    updated_at                    timestamptz not null default now(),
    constraint applications_fk_user foreign key (user_id) references public.users (id) on delete cascade,
    -- Rows that refer to an application also name its person in the foreign key, so they cannot refer to a stranger's.
    constraint applications_unique_id_user_id unique (id, user_id),
    constraint applications_unique_skyvern_task_id unique (skyvern_task_id),
    constraint applications_unique_user_id_submission_idempotency_key unique (user_id, submission_idempotency_key),
    constraint applications_check_job_title check (char_length(job_title) between 1 and 300),
    constraint applications_check_company_name check (char_length(company_name) between 1 and 300),
    constraint applications_check_job_url check (char_length(job_url) between 1 and 2083),
    constraint applications_check_adzuna_job_id check (char_length(adzuna_job_id) between 1 and 100),
    constraint applications_check_skyvern_task_id check (char_length(skyvern_task_id) between 1 and 200),
    constraint applications_check_status_details check (jsonb_typeof(status_details) = 'object'),
    constraint applications_check_notes check (char_length(notes) <= 10000),
    constraint applications_check_resume_url_used check (char_length(resume_url_used) between 1 and 1024),
    constraint applications_check_cover_letter_url_used check (char_length(cover_letter_url_used) between 1 and 1024),
    constraint applications_check_application_source check (application_source ~ '^[A-Z_]{1,50}$'),
    constraint applications_check_submission check (
        (submission_id is null) = (submission_outcome is null)
        and (submission_id is null) = (submission_title is null)
        and (submission_id is null) = (submission_started_at is null)),
    constraint applications_check_submission_outcome check (submission_outcome in ('started', 'open')),
    constraint applications_check_submission_idempotency_key
        check (char_length(submission_idempotency_key) between 1 and 255),
    constraint applications_check_deletion_reason check (char_length(deletion_reason) <= 1000)
);
comment on table public.applications is 'A person''s job applications, from the draft to the end.';

-- `skyvern_task_id` has the index of its unique constraint; a second one would only cost writes.
create index if not exists idx_applications_user_id_status on public.applications (user_id, status);
create index if not exists idx_applications_user_id_created_at on public.applications (user_id, created_at desc);
-- Whether a person has applied for a posting before; what they deleted counts, too. A search also marks each posting
-- with what the person has done about it.
create index if not exists idx_applications_user_id_posting_key on public.applications (user_id, posting_key);
create index if not exists idx_applications_user_id_adzuna_job_id
    on public.applications (user_id, adzuna_job_id) where adzuna_job_id is not null;
-- How many of a person's applications wait to be handed over.
create index if not exists idx_applications_user_id_submission_job_id
    on public.applications (user_id) where submission_job_id is not null;
-- The two queries for what has to be reconciled with Skyvern. Both indexes hold only what is open at the moment.
create index if not exists idx_applications_skyvern_heard_at
    on public.applications (skyvern_heard_at) where status = 'PROCESSING_BY_SKYVERN';
create index if not exists idx_applications_submission_lease_expires_at
    on public.applications (submission_lease_expires_at) where submission_id is not null;
-- For the purge.
create index if not exists idx_applications_deleted_at
    on public.applications (deleted_at) where deleted_at is not null;

create or replace trigger on_applications_updated
    before update on public.applications
    for each row execute function public.handle_updated_at();

create or replace function public.handle_application_status_update_timestamp()
    returns trigger
    language plpgsql
    set search_path = ''
as $$
begin
    new.last_status_update_at = now();
    return new;
end
$$;
revoke all on function public.handle_application_status_update_timestamp()
    from public, anon, authenticated, service_role;

create or replace trigger on_application_status_changed
    before update of status on public.applications
    for each row when (new.status is distinct from old.status)
    execute function public.handle_application_status_update_timestamp();

-- What a person writes there is their choice, even if it is what stands there already.
create or replace function private.note_chosen_resume()
    returns trigger
    language plpgsql
    set search_path = ''
as $$
begin
    if current_user = 'authenticated' then
        new.resume_url_recorded := null;
    end if;
    return new;
end
$$;
revoke all on function private.note_chosen_resume() from public, anon, authenticated, service_role;

create or replace trigger on_application_resume_written
    before update of resume_url_used on public.applications
    for each row execute function private.note_chosen_resume();

create or replace trigger on_application_deleted
    before update of deleted_at on public.applications
    for each row execute function private.handle_soft_delete();

alter table public.applications enable row level security;
revoke all on table public.applications from anon, authenticated, service_role;
-- No delete, and not `deleted_at`: a person deletes, restores and erases through functions, because a row that the select
-- policy hides cannot be updated into by whoever it is hidden from.
grant select on table public.applications to authenticated;
-- Not what the service writes: `skyvern_*`, `submission_*`, `status_details`, `deleted_by`.
grant insert (user_id, job_title, company_name, job_url, adzuna_job_id, status, applied_at, notes, resume_url_used,
              cover_letter_url_used, application_source),
      update (user_id, job_title, company_name, job_url, adzuna_job_id, status, applied_at, notes, resume_url_used,
              cover_letter_url_used, application_source)
    on table public.applications to authenticated;
grant select, insert, update, delete on table public.applications to service_role;

drop policy if exists applications_select_own on public.applications;
create policy applications_select_own on public.applications for select to authenticated
    using (user_id = (select public.current_user_id()) and deleted_at is null);

drop policy if exists applications_insert_own on public.applications;
create policy applications_insert_own on public.applications for insert to authenticated
    with check (user_id = (select public.current_user_id()));

drop policy if exists applications_update_own on public.applications;
create policy applications_update_own on public.applications for update to authenticated
    using (user_id = (select public.current_user_id()) and deleted_at is null)
    with check (user_id = (select public.current_user_id()));
