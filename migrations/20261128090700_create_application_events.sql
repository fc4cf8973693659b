-- The history of every application: one row per status change, never altered, from which its status can be rebuilt.
create table if not exists public.application_events (
    id             uuid primary key default gen_random_uuid(),
    application_id uuid not null,
    user_id        uuid not null,
    -- The order of events; two changes of one transaction could carry the same time.
    position       bigint generated always as identity,
    from_status    public.application_status_type,
    to_status      public.application_status_type not null,
    source         text not null,
    reason         text,
    created_at     timestamptz not null default clock_timestamp(),
    constraint application_events_fk_application foreign key (application_id, user_id)
        references public.applications (id, user_id) on delete cascade,
    constraint application_events_check_source check (source ~ '^[a-z_]{1,50}$'),
    constraint application_events_check_reason check (char_length(reason) <= 500)
);
comment on table public.application_events is
    'The history of applications: one row per status change, never altered.';
create index if not exists idx_application_events_application_id_user_id_position
    on public.application_events (application_id, user_id, position);
create index if not exists idx_application_events_user_id on public.application_events (user_id);

alter table public.application_events enable row level security;
revoke all on table public.application_events from anon, authenticated, service_role;
revoke all on sequence public.application_events_position_seq from anon, authenticated, service_role;
grant select on table public.application_events to authenticated;
-- Nobody updates or deletes: the trigger below adds to the history, and it is deleted with the application.
grant select on table public.application_events to service_role;

drop policy if exists application_events_select_own on public.application_events;
create policy application_events_select_own on public.application_events for select to authenticated
    using (user_id = (select public.current_user_id())
           and exists (select from public.applications where id = application_events.application_id
                                                         and deleted_at is null));

-- A trigger, so that no code path can forget it. SQL functions give the reason through two settings of their
-- transaction, `jobraker.event_source` and `jobraker.event_reason`; clients cannot set either.
create or replace function private.record_application_event()
    returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    insert into public.application_events (application_id, user_id, from_status, to_status, source, reason)
    values (
        new.id, new.user_id,
        case tg_op when 'UPDATE' then old.status end, new.status,
        coalesce(
            nullif(current_setting('jobraker.event_source', true), ''),
            case current_setting('role', true) when 'authenticated' then 'person' else 'service' end),
        nullif(current_setting('jobraker.event_reason', true), ''));
    return null;
end
$$;
revoke all on function private.record_application_event() from public, anon, authenticated, service_role;
comment on function private.record_application_event() is
    'Writes the history of an application. '
    'Definer: nobody may write application_events, so that the history cannot be forged. '
    'Bounds: a trigger function, which nobody can call: it writes only about the row that is being changed.';

-- Called by functions before they change a status: who made the following changes of this transaction, and why.
create or replace function private.attribute_events(p_source text, p_reason text default null)
    returns void
    language sql
    set search_path = ''
as $$
    select set_config('jobraker.event_source', p_source, true),
           set_config('jobraker.event_reason', coalesce(left(p_reason, 500), ''), true)
$$;
revoke all on function private.attribute_events(text, text) from public, anon, authenticated, service_role;

create or replace trigger on_application_inserted_record_event
    after insert on public.applications
    for each row execute function private.record_application_event();

create or replace trigger on_application_updated_record_event
    after update of status on public.applications
    for each row when (new.status is distinct from old.status)
    execute function private.record_application_event();
