-- One row for each submission of an application to Skyvern, from its claim to the end of its run. The application itself
-- knows only its latest run; this ledger knows the earlier ones too, and it outlives an application that is erased, so
-- that erasing gives nobody more runs than they have.
create table if not exists private.application_runs (
    submission_id  uuid primary key,
    -- Null once the application is erased.
    application_id uuid,
    user_id        uuid not null,
    run_id         text, -- null while nobody knows whether a run started
    claimed_at     timestamptz not null default clock_timestamp(),
    started_at     timestamptz, -- when the run was recorded
    -- When the run was known to be over, or surely never started. The row of a claim that is taken back is deleted.
    ended_at       timestamptz,
    outcome        text, -- what the run came to: the `reason` that the application's details had then
    constraint application_runs_unique_run_id unique (run_id),
    constraint application_runs_fk_application foreign key (application_id)
        references public.applications (id) on delete set null,
    constraint application_runs_fk_user foreign key (user_id) references public.users (id) on delete cascade,
    constraint application_runs_check_run_id check (char_length(run_id) between 1 and 200)
);
comment on table private.application_runs is 'Every submission of an application to Skyvern, and the run it started.';
create index if not exists idx_application_runs_application_id on private.application_runs (application_id);
create index if not exists idx_application_runs_user_id_claimed_at
    on private.application_runs (user_id, claimed_at);
create index if not exists idx_application_runs_user_id_in_progress
    on private.application_runs (user_id) where ended_at is null;
-- For the deadline of runs.
create index if not exists idx_application_runs_started_at_in_progress
    on private.application_runs (started_at) where ended_at is null;
-- For the purge.
create index if not exists idx_application_runs_ended_at_erased
    on private.application_runs (ended_at) where application_id is null;

alter table private.application_runs enable row level security;
revoke all on table private.application_runs from public, anon, authenticated, service_role;
