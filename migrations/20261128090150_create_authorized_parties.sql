-- Which tokens the database believes. PostgREST and Storage verify signature and times of a token and look at nothing
-- else; what the functions refuse beyond that (shared/src/sign_in) must open nothing here either, because clients hold
-- the same tokens and can leave the functions out.

-- The front ends whose tokens are accepted, as in the setting CLERK_AUTHORIZED_PARTIES. No row: any.
create table if not exists private.authorized_parties (
    party text primary key, -- an origin, compared with `azp` to the letter
    constraint authorized_parties_check_party check (char_length(party) between 1 and 255)
);
comment on table private.authorized_parties is 'The front ends whose tokens are accepted; without a row, any.';
alter table private.authorized_parties enable row level security;
revoke all on table private.authorized_parties from public, anon, authenticated, service_role;

-- Who the verified token is about, or null if the token is not to be believed: `sub` of a person who has finished
-- signing in, at one of our front ends. Native apps have no `azp`, so its absence is accepted. Raises a data_exception
-- for claims that are not JSON.
create or replace function private.token_subject()
    returns text
    language plpgsql
    stable
    set search_path = ''
as $$
declare
    claims    json := nullif(pg_catalog.current_setting('request.jwt.claims', true), '')::json;
    front_end text := claims ->> 'azp';
begin
    if claims ->> 'sts' = 'pending' then
        return null;
    end if;
    if front_end is not null
        and (select pg_catalog.bool_or(party = front_end) from private.authorized_parties) is false then
        return null;
    end if;
    return claims ->> 'sub';
end
$$;
revoke all on function private.token_subject() from public, anon, authenticated, service_role;
