-- Undoes 20261128092000_create_clerk_accounts.sql. Which accounts were deleted at Clerk is forgotten.
drop function if exists private.lock_clerk_account(text);
drop table if exists private.clerk_accounts;
