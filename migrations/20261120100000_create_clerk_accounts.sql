-- What has been heard of each Clerk account: how new the newest news is, and whether the account is gone for good.
-- Webhooks come late, twice and out of order; without this an old one would undo a newer one, or a deletion.
create table if not exists private.clerk_accounts (
    clerk_user_id text primary key,
    -- Clerk's own `updated_at`, in milliseconds. 0: known from a session token alone, so any news is newer.
    updated_at    bigint not null,
    -- A deletion stays: nothing that comes later makes this account again. The row holds no other personal data.
    deleted_at    timestamptz,
    constraint clerk_accounts_check_clerk_user_id check (clerk_user_id ~ '^user_[!-~]{1,250}$'),
    constraint clerk_accounts_check_updated_at check (updated_at >= 0)
);
alter table private.clerk_accounts enable row level security;
revoke all on table private.clerk_accounts from public, anon, authenticated, service_role;

-- Whom an event of Clerk is about, so that the personal data in its body can go when the account goes.
alter table public.webhook_events add column if not exists clerk_user_id text;
create index if not exists idx_webhook_events_clerk_user_id
    on public.webhook_events (clerk_user_id) where clerk_user_id is not null;
-- For the events that nobody can be found for any more once the person is gone.
create index if not exists idx_webhook_events_named_application_id_unattributed
    on public.webhook_events (named_application_id) where application_id is null;

-- Until the end of the transaction nobody else changes what is known of this Clerk account. Taken before any row is
-- locked, and only one a transaction, so that nobody can wait in a circle.
create or replace function private.lock_clerk_account(p_clerk_user_id text)
    returns void
    language sql
    set search_path = ''
as $$
    select pg_advisory_xact_lock(hashtextextended('clerk_account:' || p_clerk_user_id, 0))
$$;
revoke all on function private.lock_clerk_account(text) from public, anon, authenticated, service_role;
