-- Undoes 20261120180200_create_purge_expired_rows.sql.
drop function if exists public.purge_expired_rows(integer);
drop function if exists public.queue_daily_purge();
drop index if exists public.idx_scraping_logs_completed_at;
drop index if exists public.idx_user_push_tokens_revoked_at;
drop index if exists public.idx_push_tickets_sent_at;
drop index if exists public.idx_webhook_events_received_at;
drop index if exists public.idx_background_jobs_updated_at_finished;
