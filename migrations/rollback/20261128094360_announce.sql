-- Undoes 20261128094360_announce.sql.
drop function if exists public.tell_announcement(uuid, integer);
drop function if exists public.announce(text, text, public.user_tier[]);
drop index if exists public.idx_users_tier_id;
drop table if exists private.announcement_tiers;
drop table if exists private.announcements;
