-- Undoes 20261120100000_create_clerk_accounts.sql. Which accounts were deleted at Clerk is forgotten.
drop function if exists private.lock_clerk_account(text);
drop index if exists public.idx_webhook_events_named_application_id_unattributed;
drop index if exists public.idx_webhook_events_clerk_user_id;
alter table public.webhook_events drop column if exists clerk_user_id;
drop table if exists private.clerk_accounts;
