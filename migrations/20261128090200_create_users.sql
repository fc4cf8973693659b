-- A person's profile. Rows are made by the trigger on `auth.users` and by the Clerk webhook, never by the person.
do $$
begin
    if to_regtype('public.user_tier') is null then
        create type public.user_tier as enum ('free', 'pro', 'h1b_pro', 'career_insurance', 'enterprise');
    end if;
    if to_regtype('public.user_role') is null then
        create type public.user_role as enum ('seeker', 'provider', 'admin');
    end if;
end
$$;

create table if not exists public.users (
    id                      uuid primary key,
    -- For people who come through Supabase Auth without a Clerk id: their auth id as text.
    clerk_user_id           text not null,
    full_name               text,
    -- May be absent: Clerk lets people sign up with a phone number alone.
    email                   text,
    phone_number            text,
    linkedin_profile_url    text,
    portfolio_url           text,
    current_resume_url      text,
    current_resume_filename text,
    tier                    public.user_tier not null default 'free',
    role                    public.user_role not null default 'seeker',
    timezone                text not null default 'UTC',
    resume_text             text,
    resume_embedding        extensions.vector(384),
    created_at              timestamptz not null default now(),
    updated_at              timestamptz not null default now(),
    constraint users_fk_auth_user foreign key (id) references auth.users (id) on delete cascade,
    constraint users_unique_clerk_user_id unique (clerk_user_id),
    constraint users_unique_email unique (email),
    constraint users_check_clerk_user_id check (char_length(clerk_user_id) between 1 and 255),
    constraint users_check_full_name check (char_length(full_name) <= 200),
    constraint users_check_email check (char_length(email) between 3 and 320),
    constraint users_check_phone_number check (phone_number ~ '^\+?[0-9][0-9 ().-]{4,30}$'),
    constraint users_check_linkedin_profile_url
        check (char_length(linkedin_profile_url) <= 2048
               and linkedin_profile_url ~* '^https?://[^[:space:]/]+[^[:space:]]*$'),
    constraint users_check_portfolio_url
        check (char_length(portfolio_url) <= 2048 and portfolio_url ~* '^https?://[^[:space:]/]+[^[:space:]]*$'),
    constraint users_check_current_resume_url check (char_length(current_resume_url) between 1 and 1024),
    constraint users_check_current_resume_filename check (char_length(current_resume_filename) between 1 and 255),
    constraint users_check_timezone check (timezone ~ '^[A-Za-z0-9_+/-]{1,64}$'),
    constraint users_check_resume_text check (char_length(resume_text) <= 200000)
);
comment on table public.users is 'People: one profile for each account.';

create or replace trigger on_users_updated
    before update on public.users
    for each row execute function public.handle_updated_at();

-- Who is calling: the `users.id` behind the verified token, or null; null too for a token that the functions refuse.
--
-- `sub` is Clerk's `user_…`, or a UUID from Supabase Auth. `auth.uid()` raises on the first kind, so no policy calls
-- it. Every policy calls this function instead, as `(select public.current_user_id())`, so it must be quick and must
-- never raise, whatever the claims look like: a malformed token belongs to nobody.
create or replace function public.current_user_id()
    returns uuid
    language plpgsql
    stable
    security definer
    set search_path = ''
as $$
declare
    subject text;
begin
    subject := private.token_subject();
    if subject is null then
        return null;
    end if;
    if subject ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then
        return (select id from public.users where id = subject::uuid);
    end if;
    return (select id from public.users where clerk_user_id = subject);
exception
    when data_exception then -- claims that are not JSON, or text that PostgreSQL cannot store
        return null;
end
$$;
revoke all on function public.current_user_id() from public, anon, authenticated, service_role;
-- `service_role` too: it is the default of `user_id` columns, which a service's insert may leave out by mistake.
grant execute on function public.current_user_id() to authenticated, service_role;
comment on function public.current_user_id() is
    'The id of the person behind the verified token, or null. '
    'Definer: it reads users, whose policies call it. '
    'Bounds: it takes no arguments; the claims are those that PostgREST has verified, and malformed ones give null, as do '
    'those of an unfinished sign-in or of a foreign front end.';

alter table public.users enable row level security;
revoke all on table public.users from anon, authenticated, service_role;
grant select on table public.users to authenticated;
-- Not `role`, `tier`, `clerk_user_id` or `email`: a person must not raise their own rights or take another's identity.
grant update (full_name, phone_number, linkedin_profile_url, portfolio_url, current_resume_url, current_resume_filename,
              timezone) on table public.users to authenticated;
grant select, insert, update, delete on table public.users to service_role;

-- A person sees and edits their own profile and nobody else's.
drop policy if exists users_select_own on public.users;
create policy users_select_own on public.users for select to authenticated
    using (id = (select public.current_user_id()));

drop policy if exists users_update_own on public.users;
create policy users_update_own on public.users for update to authenticated
    using (id = (select public.current_user_id()))
    with check (id = (select public.current_user_id()));
