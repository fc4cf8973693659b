-- When two names mean the same company, as far as a person who excludes it is concerned.

-- Without case, punctuation and legal form: `Acme, Inc.` is `acme`. A name that is nothing but a legal form stays.
create or replace function private.company_key(p_name text)
    returns text
    language sql
    immutable
    set search_path = ''
as $$
    with words as (select btrim(regexp_replace(lower(p_name), '[[:punct:][:space:]]+', ' ', 'g')) as name)
    select coalesce(
        nullif(regexp_replace(name,
            '( (inc|incorporated|corp|corporation|co|company|ltd|limited|llc|llp|lp|plc|gmbh|mbh|ag|se|kg|kgaa|ohg'
            || '|sa|sas|sarl|srl|spa|bv|nv|ab|as|asa|oy|oyj|aps|pty|pte|s a|s p a|b v|n v|s r l))+$', ''), ''),
        name)
    from words
$$;
revoke all on function private.company_key(text) from public, anon, authenticated, service_role;
