-- Undoes 20261120150500_create_scraping_logs.sql. The history of the runs is lost.
drop table if exists public.scraping_logs;
