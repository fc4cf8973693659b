-- The inbox: every accepted webhook once, as it came, with its outcome. Internal: no policies.
create table if not exists public.webhook_events (
    id                   uuid primary key default gen_random_uuid(),
    source               text not null,
    event_key            text not null, -- what makes two deliveries the same event
    run_id               text,
    run_status           text,
    attempt              integer,
    retry_pending        boolean,
    -- The application that the event is about, once it is known. Its events hold personal data and are deleted with it.
    application_id       uuid,
    -- What the webhook's URL said; unverified.
    named_application_id uuid,
    submission_id        uuid,
    -- The person that an event of Clerk is about, so that its body can be erased with the account.
    clerk_user_id        text,
    decision             jsonb,
    schema_version       integer not null default 1, -- of decision
    body                 text not null,
    outcome              text not null,
    request_id           uuid,
    received_at          timestamptz not null default clock_timestamp(),
    applied_at           timestamptz,
    constraint webhook_events_unique_source_event_key unique (source, event_key),
    constraint webhook_events_fk_application foreign key (application_id)
        references public.applications (id) on delete cascade,
    constraint webhook_events_check_source check (source ~ '^[a-z_]{1,50}$'),
    constraint webhook_events_check_event_key check (char_length(event_key) between 1 and 500),
    constraint webhook_events_check_outcome check (outcome ~ '^[a-z_]{1,50}$')
);
comment on table public.webhook_events is 'The inbox: every accepted webhook once, with its outcome.';
create index if not exists idx_webhook_events_application_id on public.webhook_events (application_id);
create index if not exists idx_webhook_events_run_id_waiting
    on public.webhook_events (run_id, received_at) where outcome = 'waiting';
create index if not exists idx_webhook_events_clerk_user_id
    on public.webhook_events (clerk_user_id) where clerk_user_id is not null;
-- For events that cannot be assigned to anybody once the person is gone.
create index if not exists idx_webhook_events_named_application_id_unattributed
    on public.webhook_events (named_application_id) where application_id is null;
-- For the purge, which erases bodies before it deletes events.
create index if not exists idx_webhook_events_received_at on public.webhook_events (received_at);
create index if not exists idx_webhook_events_received_at_with_body
    on public.webhook_events (received_at) where body <> '' and outcome <> 'waiting';

alter table public.webhook_events enable row level security;
revoke all on table public.webhook_events from anon, authenticated, service_role;
grant select, insert, update, delete on table public.webhook_events to service_role;
