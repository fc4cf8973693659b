-- What the push service said to each message for each device: its ticket, to be followed by a receipt. Internal: no
-- policies. It names no person: the device leads to whoever holds it, and its tickets are deleted with it.
create table if not exists public.push_tickets (
    id             uuid primary key default gen_random_uuid(),
    push_token_id  uuid not null,
    -- The background job that asked for the message; null for a message that was not queued. A job's next attempt
    -- leaves out the devices that have a ticket of it.
    job_id         uuid,
    -- The push service's id; null when it refused at once: then there is no receipt to ask for.
    ticket_id      text,
    -- Of a refusal, in place of the id: which message to which device it was, so that it is recorded once.
    refusal_key    text,
    status         text not null default 'sent',
    error          text, -- the push service's name for it, such as DeviceNotRegistered
    message        text,
    sent_at        timestamptz not null default clock_timestamp(),
    -- When to ask for the receipt next; null once nothing more is expected.
    receipt_due_at timestamptz,
    receipt_checks integer not null default 0,
    receipt_at     timestamptz,
    constraint push_tickets_fk_push_token foreign key (push_token_id)
        references public.user_push_tokens (id) on delete cascade,
    constraint push_tickets_fk_job foreign key (job_id) references public.background_jobs (id) on delete set null,
    constraint push_tickets_unique_ticket_id unique (ticket_id),
    constraint push_tickets_unique_refusal_key unique (refusal_key),
    -- sent: the receipt is still to come; unknown: it never came, and the push service keeps it no longer than a day.
    constraint push_tickets_check_status check (status in ('sent', 'delivered', 'failed', 'unknown')),
    constraint push_tickets_check_receipt_due_at
        check (receipt_due_at is null or (status = 'sent' and ticket_id is not null)),
    constraint push_tickets_check_receipt_checks check (receipt_checks >= 0),
    constraint push_tickets_check_ticket_id check (char_length(ticket_id) between 1 and 255)
);
comment on table public.push_tickets is 'What the push service said to each message for each device.';
create index if not exists idx_push_tickets_push_token_id on public.push_tickets (push_token_id);
create index if not exists idx_push_tickets_job_id on public.push_tickets (job_id) where job_id is not null;
create index if not exists idx_push_tickets_receipt_due_at
    on public.push_tickets (receipt_due_at) where receipt_due_at is not null;
-- For the purge.
create index if not exists idx_push_tickets_sent_at on public.push_tickets (sent_at) where receipt_due_at is null;

alter table public.push_tickets enable row level security;
revoke all on table public.push_tickets from anon, authenticated, service_role;
grant select, insert, update, delete on table public.push_tickets to service_role;
