-- How many rows of each kind a person may have, so that nobody fills the database at the expense of others. The limits
-- are far above what people need; whoever wants others changes the rows.
create table if not exists private.row_limits (
    -- A table with a column `user_id`, or `files`: those of one person in one bucket.
    table_name text primary key,
    per_person integer not null,
    constraint row_limits_check_per_person check (per_person > 0)
);
comment on table private.row_limits is 'How many rows of each kind a person may have; no row means any number.';
insert into private.row_limits (table_name, per_person)
values ('applications', 5000), ('files', 100), ('resumes', 100), ('saved_jobs', 5000), ('saved_searches', 50)
on conflict (table_name) do nothing;

alter table private.row_limits enable row level security;
revoke all on table private.row_limits from public, anon, authenticated, service_role;

-- One person's inserts into a table wait for each other until the end of their transactions, so that each counts the
-- other's rows. A lock stands for many people: a statement may insert for hundreds of thousands of them, and PostgreSQL
-- has room for some thousands of locks. They are taken in the same order by all.
create or replace function private.lock_rows_of_people(p_table_name text, p_people text[])
    returns void
    language plpgsql
    set search_path = ''
as $$
begin
    perform pg_advisory_xact_lock(hashtext('rows per person of ' || p_table_name), lock.number)
    from (select distinct hashtext(person) & 255 as number from unnest(p_people) as person order by number) as lock;
end
$$;
revoke all on function private.lock_rows_of_people(text, text[]) from public, anon, authenticated, service_role;

-- After rows were inserted, by whomever: the limit is about whose they are. Rows that their person has deleted but that
-- are still kept count too, so that deleting and inserting in turns does not get round it. Whoever only changes rows, by
-- an upsert too, is never refused.
create or replace function private.limit_rows_per_person()
    returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    at_most integer;
    is_over boolean;
    reason  text;
begin
    select per_person into at_most from private.row_limits where table_name = tg_table_name;
    if at_most is null then
        return null;
    end if;
    perform private.lock_rows_of_people(tg_table_name, array(select distinct user_id::text from inserted));
    -- Nobody's rows are counted further than it takes to know.
    execute format(
        'select exists (
             select from (select distinct user_id from inserted) as person
             cross join lateral (
                 select count(*) as present
                 from (select from %I.%I where user_id = person.user_id limit $1 + 1) as counted) as own
             where present > $1)',
        tg_table_schema, tg_table_name)
    into is_over using at_most;
    if not is_over then
        return null;
    end if;

    reason := format('a person may have %s rows in %s, deleted ones that are still kept among them',
                     at_most, tg_table_name);
    -- Each code in full, so that a search for it leads here.
    case tg_table_name
        when 'applications' then perform private.refuse('too_many_applications', 409, reason);
        when 'resumes' then perform private.refuse('too_many_resumes', 409, reason);
        when 'saved_jobs' then perform private.refuse('too_many_saved_jobs', 409, reason);
        when 'saved_searches' then perform private.refuse('too_many_saved_searches', 409, reason);
    end case;
end
$$;
revoke all on function private.limit_rows_per_person() from public, anon, authenticated, service_role;
comment on function private.limit_rows_per_person() is
    'Refuses rows beyond what a person may have. '
    'Definer: it counts rows that policies hide from their person, and reads private.row_limits. '
    'Bounds: a trigger function, which nobody can call: it counts only for the people of the rows that are being '
    'inserted, and no further than the limit.';

create or replace trigger on_applications_inserted_limit_rows
    after insert on public.applications referencing new table as inserted
    for each statement execute function private.limit_rows_per_person();
create or replace trigger on_resumes_inserted_limit_rows
    after insert on public.resumes referencing new table as inserted
    for each statement execute function private.limit_rows_per_person();
create or replace trigger on_saved_jobs_inserted_limit_rows
    after insert on public.saved_jobs referencing new table as inserted
    for each statement execute function private.limit_rows_per_person();
create or replace trigger on_saved_searches_inserted_limit_rows
    after insert on public.saved_searches referencing new table as inserted
    for each statement execute function private.limit_rows_per_person();
