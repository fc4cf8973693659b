-- Locks for scheduled work: of several schedulers that begin at the same moment, one does the work. A holder that dies
-- loses its lock when it expires. Internal: no policies.
create sequence if not exists private.cron_lock_numbers;
revoke all on sequence private.cron_lock_numbers from public, anon, authenticated, service_role;

create table if not exists public.cron_locks (
    lock_name   text primary key,
    locked_by   text not null,
    -- The fencing token: a holder that comes back late with an old one is refused. From a sequence, so that no token is
    -- used twice although the row is deleted when the lock is released.
    lock_number bigint not null,
    locked_at   timestamptz not null default clock_timestamp(),
    expires_at  timestamptz not null,
    constraint cron_locks_check_lock_name check (char_length(lock_name) between 1 and 100),
    constraint cron_locks_check_locked_by check (char_length(locked_by) between 1 and 200)
);
comment on table public.cron_locks is 'Locks that keep scheduled work from overlapping.';
alter table public.cron_locks enable row level security;
revoke all on table public.cron_locks from anon, authenticated, service_role;
grant select, insert, update, delete on table public.cron_locks to service_role;

-- Returns {taken, lock_number, expires_at}; while somebody else holds the lock, taken is false and expires_at is
-- theirs.
create or replace function public.take_cron_lock(p_lock_name text, p_locked_by text, p_seconds integer)
    returns jsonb
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    held public.cron_locks;
begin
    if p_seconds is null or p_seconds not between 1 and 86400 then
        perform private.refuse('invalid_input', 422, 'a lock is held for 1 to 86400 seconds');
    end if;
    insert into public.cron_locks as lock (lock_name, locked_by, lock_number, expires_at)
    values (p_lock_name, left(p_locked_by, 200), nextval('private.cron_lock_numbers'),
            clock_timestamp() + make_interval(secs => p_seconds))
    on conflict (lock_name) do update
        set locked_by = excluded.locked_by, lock_number = excluded.lock_number,
            locked_at = clock_timestamp(), expires_at = clock_timestamp() + make_interval(secs => p_seconds)
        where lock.expires_at <= clock_timestamp()
    returning * into held;
    if found then
        return jsonb_build_object('taken', true, 'lock_number', held.lock_number, 'expires_at', held.expires_at);
    end if;
    select * into held from public.cron_locks where lock_name = p_lock_name;
    return jsonb_build_object('taken', false, 'lock_number', null, 'expires_at', held.expires_at);
end
$$;
revoke all on function public.take_cron_lock(text, text, integer) from public, anon, authenticated, service_role;
grant execute on function public.take_cron_lock(text, text, integer) to service_role;
comment on function public.take_cron_lock(text, text, integer) is
    'Takes a lock for scheduled work, if it is free. '
    'Definer: it takes its fencing token from a sequence in the schema private. '
    'Bounds: a lock is held for 1 to 86,400 seconds; the columns'' checks limit the texts.';

-- Whether the lock is still the caller's. If so it is theirs for that long from now, and nobody takes it before the end
-- of the transaction. An expired lock is not extended, even if nobody else has taken it yet: others may already have
-- acted on its expiry.
create or replace function private.hold_cron_lock(p_lock_name text, p_lock_number bigint, p_seconds integer)
    returns boolean
    language plpgsql
    set search_path = ''
as $$
begin
    perform from public.cron_locks where lock_name = p_lock_name for update;
    update public.cron_locks
    set expires_at = clock_timestamp() + make_interval(secs => p_seconds)
    where lock_name = p_lock_name and lock_number = p_lock_number and expires_at > clock_timestamp();
    return found;
end
$$;
revoke all on function private.hold_cron_lock(text, bigint, integer) from public, anon, authenticated, service_role;

-- Returns whether the lock is still the caller's, and if so extends it to that long from now.
create or replace function public.extend_cron_lock(p_lock_name text, p_lock_number bigint, p_seconds integer)
    returns boolean
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    if p_seconds is null or p_seconds not between 1 and 86400 then
        perform private.refuse('invalid_input', 422, 'a lock is held for 1 to 86400 seconds');
    end if;
    return private.hold_cron_lock(p_lock_name, p_lock_number, p_seconds);
end
$$;
revoke all on function public.extend_cron_lock(text, bigint, integer) from public, anon, authenticated, service_role;
grant execute on function public.extend_cron_lock(text, bigint, integer) to service_role;
comment on function public.extend_cron_lock(text, bigint, integer) is
    'Extends a lock for scheduled work. '
    'Definer: it calls functions of the schema private, which service_role cannot reach. '
    'Bounds: only a lock that has not expired and whose fencing token the caller knows; 1 to 86,400 seconds.';

-- Releases the lock. Returns whether it was the caller's.
create or replace function public.release_cron_lock(p_lock_name text, p_lock_number bigint)
    returns boolean
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    delete from public.cron_locks where lock_name = p_lock_name and lock_number = p_lock_number;
    return found;
end
$$;
revoke all on function public.release_cron_lock(text, bigint) from public, anon, authenticated, service_role;
grant execute on function public.release_cron_lock(text, bigint) to service_role;
comment on function public.release_cron_lock(text, bigint) is
    'Releases a lock for scheduled work. '
    'Definer: so that it does not depend on what service_role is granted on the tables. '
    'Bounds: only a lock whose fencing token the caller knows.';
