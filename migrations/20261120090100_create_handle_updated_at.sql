-- The trigger function of every table with an `updated_at` column.
create or replace function public.handle_updated_at()
    returns trigger
    language plpgsql
    set search_path = ''
as $$
begin
    new.updated_at = now();
    return new;
end
$$;
revoke all on function public.handle_updated_at() from public, anon, authenticated, service_role;
