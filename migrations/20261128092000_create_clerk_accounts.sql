-- When Clerk last changed each account, as far as is known here, and whether the account was deleted. Webhooks come
-- late, twice and out of order; without this table an old one could undo a newer one, or a deletion.
create table if not exists private.clerk_accounts (
    clerk_user_id text primary key,
    -- Clerk's own `updated_at`, in milliseconds. 0: known from a session token alone, so any webhook is newer.
    updated_at    bigint not null,
    -- A deletion is final: nothing that comes later recreates the account. The row holds no other personal data.
    deleted_at    timestamptz,
    constraint clerk_accounts_check_clerk_user_id check (clerk_user_id ~ '^user_[!-~]{1,250}$'),
    constraint clerk_accounts_check_updated_at check (updated_at >= 0)
);
comment on table private.clerk_accounts is 'When Clerk last changed each account, and whether it was deleted.';
alter table private.clerk_accounts enable row level security;
revoke all on table private.clerk_accounts from public, anon, authenticated, service_role;

-- Until the end of the transaction nobody else changes what is known of this Clerk account. Taken before any row and any
-- address is locked, and only one per transaction, so that it cannot deadlock.
create or replace function private.lock_clerk_account(p_clerk_user_id text)
    returns void
    language sql
    set search_path = ''
as $$
    select pg_advisory_xact_lock(hashtextextended('clerk_account:' || p_clerk_user_id, 0))
$$;
revoke all on function private.lock_clerk_account(text) from public, anon, authenticated, service_role;
