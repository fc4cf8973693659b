-- Undoes 20261128093200_create_push_tickets.sql. Receipts that are still to come cannot be asked for any more.
drop table if exists public.push_tickets;
