-- What hosted Supabase provides before the first migration runs, for the local stack.
--
-- Run once per fresh database, as the superuser `supabase_admin`, in one transaction (`psql --single-transaction`).
-- Roles belong to the whole cluster, so a second database in the same cluster finds them and leaves them alone.
-- Migrations may rely on everything in this file and on nothing else; none of it is ever made by a migration.
--
-- Left out, because the embedded PostgreSQL has no contrib modules and nothing of ours relies on them: pgcrypto,
-- uuid-ossp, pg_stat_statements.

-- Roles ---------------------------------------------------------------------------------------------------------------

do $$
begin
    if exists (select from pg_catalog.pg_roles where rolname = 'authenticator') then
        return;
    end if;

    alter role supabase_admin password 'postgres';

    create role anon nologin inherit;
    create role authenticated nologin inherit;
    create role service_role nologin inherit bypassrls;

    -- PostgREST connects as this one and becomes one of the three above for each request.
    create role authenticator login noinherit password 'postgres';

    -- Runs the migrations and owns our tables. Not a superuser, there or here.
    create role postgres login nosuperuser createdb createrole replication bypassrls password 'postgres';

    create role supabase_auth_admin login noinherit createrole noreplication password 'postgres';
    create role supabase_storage_admin login noinherit createrole noreplication password 'postgres';

    grant anon, authenticated, service_role to authenticator;
    grant anon, authenticated, service_role, authenticator to postgres with admin option;
    grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres;
    grant authenticator to supabase_storage_admin;

    -- `postgres` may make policies and triggers on the tables of these two without owning them. On hosted the extension
    -- supautils lets it; here it inherits the owners' rights, and the event trigger at the end of this file refuses
    -- whatever hosted would refuse. It cannot become them (`set role`), as there.
    grant supabase_auth_admin, supabase_storage_admin to postgres with inherit true, set false;

    alter role anon set statement_timeout = '3s';
    alter role authenticated set statement_timeout = '8s';
    alter role authenticator set statement_timeout = '8s';
    alter role authenticator set lock_timeout = '8s';
    -- Refuses UPDATE and DELETE without WHERE to the API roles, also inside of functions. The set-up builds the library.
    alter role authenticator set session_preload_libraries = 'safeupdate';
    alter role postgres set search_path = "$user", public, extensions;
    alter role supabase_admin set search_path = "$user", public, auth, extensions;
    alter role supabase_auth_admin set search_path = auth;
    alter role supabase_auth_admin set idle_in_transaction_session_timeout = '60s';
    alter role supabase_storage_admin set search_path = storage;
end
$$;

-- Database and schemas ------------------------------------------------------------------------------------------------

do $$
begin
    execute format('grant all on database %I to postgres', current_database());
    -- PUBLIC keeps what PostgreSQL gives; `create` is what the CLI's and our own schemas need.
    execute format('grant create on database %I to supabase_auth_admin, supabase_storage_admin', current_database());
end
$$;

create schema auth authorization supabase_auth_admin;
create schema storage authorization supabase_storage_admin;
create schema realtime authorization supabase_admin;
create schema extensions authorization postgres;

grant all on schema public to postgres;
grant usage on schema public, auth, storage, extensions to anon, authenticated, service_role;
grant all on schema auth, storage to postgres;
grant usage on schema realtime to postgres, anon, authenticated, service_role;

-- Hosted lets `postgres` create it, through supautils; pgvector is not a trusted extension, so here it must be there.
create extension vector with schema extensions;

-- Auth ----------------------------------------------------------------------------------------------------------------

create table auth.users (
    instance_id                 uuid,
    id                          uuid primary key,
    aud                         character varying(255),
    role                        character varying(255),
    email                       character varying(255),
    encrypted_password          character varying(255),
    email_confirmed_at          timestamptz,
    invited_at                  timestamptz,
    confirmation_token          character varying(255),
    confirmation_sent_at        timestamptz,
    recovery_token              character varying(255),
    recovery_sent_at            timestamptz,
    email_change_token_new      character varying(255),
    email_change                character varying(255),
    email_change_sent_at        timestamptz,
    last_sign_in_at             timestamptz,
    raw_app_meta_data           jsonb,
    raw_user_meta_data          jsonb,
    is_super_admin              boolean,
    created_at                  timestamptz,
    updated_at                  timestamptz,
    phone                       text unique default null,
    phone_confirmed_at          timestamptz,
    phone_change                text default '',
    phone_change_token          character varying(255) default '',
    phone_change_sent_at        timestamptz,
    confirmed_at                timestamptz generated always as (least(email_confirmed_at, phone_confirmed_at)) stored,
    email_change_token_current  character varying(255) default '',
    email_change_confirm_status smallint default 0 check (email_change_confirm_status between 0 and 2),
    banned_until                timestamptz,
    reauthentication_token      character varying(255) default '',
    reauthentication_sent_at    timestamptz,
    is_sso_user                 boolean not null default false,
    deleted_at                  timestamptz,
    is_anonymous                boolean not null default false
);
create unique index users_email_partial_key on auth.users (email) where (is_sso_user = false);
create index users_instance_id_idx on auth.users (instance_id);
create unique index confirmation_token_idx on auth.users (confirmation_token) where (confirmation_token !~ '^[0-9 ]*$');
create unique index recovery_token_idx on auth.users (recovery_token) where (recovery_token !~ '^[0-9 ]*$');

alter table auth.users owner to supabase_auth_admin;
alter table auth.users enable row level security;
grant all on auth.users to postgres with grant option;

create function auth.uid() returns uuid language sql stable as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.sub', true), ''),
        (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')
    )::uuid
$$;

create function auth.role() returns text language sql stable as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.role', true), ''),
        (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role')
    )::text
$$;

create function auth.email() returns text language sql stable as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.email', true), ''),
        (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email')
    )::text
$$;

create function auth.jwt() returns jsonb language sql stable as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')
    )::jsonb
$$;

alter function auth.uid() owner to supabase_auth_admin;
alter function auth.role() owner to supabase_auth_admin;
alter function auth.email() owner to supabase_auth_admin;
alter function auth.jwt() owner to supabase_auth_admin;

-- Storage -------------------------------------------------------------------------------------------------------------

create table storage.buckets (
    id                 text primary key,
    name               text not null,
    owner              uuid,
    created_at         timestamptz default now(),
    updated_at         timestamptz default now(),
    public             boolean default false,
    avif_autodetection boolean default false,
    file_size_limit    bigint,
    allowed_mime_types text[],
    owner_id           text,
    type               text not null default 'STANDARD',
    versioning_status  text
);
comment on column storage.buckets.owner is 'Field is deprecated, use owner_id instead';
create unique index bname on storage.buckets (name);

create table storage.objects (
    id               uuid primary key default gen_random_uuid(),
    bucket_id        text references storage.buckets (id),
    name             text,
    owner            uuid,
    created_at       timestamptz default now(),
    updated_at       timestamptz default now(),
    last_accessed_at timestamptz default now(),
    metadata         jsonb,
    path_tokens      text[] generated always as (string_to_array(name, '/')) stored,
    version          text,
    owner_id         text,
    user_metadata    jsonb,
    archived_at      timestamptz,
    is_delete_marker boolean not null default false,
    is_versioned     boolean not null default false
);
comment on column storage.objects.owner is 'Field is deprecated, use owner_id instead';
create unique index bucketid_objname on storage.objects (bucket_id, name);
create index name_prefix_search on storage.objects (name text_pattern_ops);

create function storage.foldername(name text) returns text[] language plpgsql immutable as $$
declare
    parts text[] := string_to_array(name, '/');
begin
    return parts[1 : array_length(parts, 1) - 1];
end
$$;

create function storage.filename(name text) returns text language plpgsql immutable as $$
declare
    parts text[] := string_to_array(name, '/');
begin
    return parts[array_length(parts, 1)];
end
$$;

create function storage.extension(name text) returns text language plpgsql immutable as $$
declare
    parts text[] := string_to_array(storage.filename(name), '.');
begin
    return parts[array_length(parts, 1)];
end
$$;

create function storage.operation() returns text language plpgsql stable as $$
begin
    return current_setting('storage.operation', true);
end
$$;

create function storage.update_updated_at_column() returns trigger language plpgsql as $$
begin
    new.updated_at = now();
    return new;
end
$$;

-- A row deleted by SQL would orphan its file; only the Storage API says so beforehand.
create function storage.protect_delete() returns trigger language plpgsql as $$
begin
    if coalesce(current_setting('storage.allow_delete_query', true), 'false') <> 'true' then
        raise exception 'Direct deletion from storage tables is not allowed. Use the Storage API instead.'
            using errcode = '42501', hint = 'This prevents accidental data loss from orphaned objects.';
    end if;
    return null;
end
$$;

create trigger update_objects_updated_at before update on storage.objects
    for each row execute function storage.update_updated_at_column();
create trigger protect_objects_delete before delete on storage.objects
    for each statement execute function storage.protect_delete();
create trigger protect_buckets_delete before delete on storage.buckets
    for each statement execute function storage.protect_delete();

alter table storage.buckets owner to supabase_storage_admin;
alter table storage.objects owner to supabase_storage_admin;
alter function storage.foldername(text) owner to supabase_storage_admin;
alter function storage.filename(text) owner to supabase_storage_admin;
alter function storage.extension(text) owner to supabase_storage_admin;
alter function storage.operation() owner to supabase_storage_admin;
alter function storage.update_updated_at_column() owner to supabase_storage_admin;
alter function storage.protect_delete() owner to supabase_storage_admin;
alter table storage.buckets enable row level security;
alter table storage.objects enable row level security;
-- Row security decides; without a policy nobody reaches a row but `service_role` and `postgres`.
grant all on storage.buckets, storage.objects to anon, authenticated, service_role;
grant all on storage.buckets, storage.objects to postgres with grant option;

-- Realtime ------------------------------------------------------------------------------------------------------------

create publication supabase_realtime;
alter publication supabase_realtime owner to postgres;

-- The schema cache of PostgREST ---------------------------------------------------------------------------------------

create function extensions.pgrst_ddl_watch() returns event_trigger language plpgsql as $$
begin
    if exists (
        select from pg_event_trigger_ddl_commands()
        where command_tag in (
            'CREATE SCHEMA', 'ALTER SCHEMA', 'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE',
            'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE', 'CREATE VIEW', 'ALTER VIEW', 'CREATE MATERIALIZED VIEW',
            'ALTER MATERIALIZED VIEW', 'CREATE FUNCTION', 'ALTER FUNCTION', 'CREATE TRIGGER', 'CREATE TYPE',
            'ALTER TYPE', 'CREATE RULE', 'COMMENT')
          and schema_name is distinct from 'pg_temp'
    ) then
        notify pgrst, 'reload schema';
    end if;
end
$$;

create function extensions.pgrst_drop_watch() returns event_trigger language plpgsql as $$
begin
    if exists (
        select from pg_event_trigger_dropped_objects()
        where object_type in ('schema', 'table', 'foreign table', 'view', 'materialized view', 'function', 'trigger',
                              'type', 'rule')
          and not is_temporary
    ) then
        notify pgrst, 'reload schema';
    end if;
end
$$;

create event trigger pgrst_ddl_watch on ddl_command_end execute function extensions.pgrst_ddl_watch();
create event trigger pgrst_drop_watch on sql_drop execute function extensions.pgrst_drop_watch();

-- What `postgres` may do in the platform's schemas --------------------------------------------------------------------
--
-- Hosted allows policies and triggers on the platform's tables, and foreign keys to them, and nothing else: no own
-- tables, functions or indexes, no drops, no `alter table … enable row level security`. One thing is not refused here:
-- PostgreSQL does not tell an event trigger which object a GRANT or REVOKE is about.

create function extensions.refuse_platform_changes() returns event_trigger language plpgsql as $$
declare
    refused text;
begin
    if current_user <> 'postgres' then
        return;
    end if;

    if tg_event = 'ddl_command_end' then
        select object_identity into refused
        from pg_event_trigger_ddl_commands()
        where schema_name in ('auth', 'storage', 'realtime')
          and command_tag not in ('CREATE POLICY', 'ALTER POLICY', 'CREATE TRIGGER')
        limit 1;
    else
        select object_identity into refused
        from pg_event_trigger_dropped_objects()
        where original
          and (schema_name in ('auth', 'storage', 'realtime') or object_name in ('auth', 'storage', 'realtime'))
          and object_type not in ('policy', 'trigger')
        limit 1;
    end if;

    if refused is not null then
        raise exception 'must be owner of %', refused using errcode = '42501';
    end if;
end
$$;

create event trigger refuse_platform_changes on ddl_command_end execute function extensions.refuse_platform_changes();
create event trigger refuse_platform_drops on sql_drop execute function extensions.refuse_platform_changes();
