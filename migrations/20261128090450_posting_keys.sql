-- When two applications are for the same posting. Feeds, mails and boards spell the address of a posting in many ways:
-- what only tracks where a reader came from is left out, and a posting of a known applicant tracking system is known
-- by its number there, whoever links to it.

-- The key of the posting behind an address. Two addresses with the same key are the same posting; the reverse is not
-- promised, since a shortened or an aggregator's link names none. For comparison only: what is opened is the address as
-- it was given.
--
-- One function, without helpers, because it runs with the rights of whoever writes an application. It never raises.
create or replace function private.posting_key(p_job_url text)
    returns text
    language plpgsql
    immutable
    parallel safe
    set search_path = ''
as $$
declare
    uuid       constant text := '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
    -- Who sent the reader, and in which language the page is shown: never which posting it is.
    tracking   constant text := '^(utm_.*|fbclid|gclid|gclsrc|gbraid|wbraid|dclid|msclkid|twclid|ttclid|li_fat_id|igshid'
        || '|yclid|mc_cid|mc_eid|_ga|_gl|_hsenc|_hsmi|mkt_tok|gh_src|lever[-_](source|origin|via)(\[\])?'
        || '|ashby_jid_source|oga|dcr_ci|trk|trackingid|refid|originalsubdomain|lang|language|locale)$';
    -- On a site of an employer's own these may say which posting it is.
    referring  constant text := '^(ref|referrer|source|src|from|embed)$';
    systems    constant text := '(^|\.)(greenhouse\.io|lever\.co|ashbyhq\.com|workable\.com|smartrecruiters\.com'
        || '|recruitee\.com|personio\.(de|com))$';
    -- Browsers take these three out of an address, and read a backslash as a slash.
    address    constant text := translate(btrim(p_job_url), E'\\\t\n\r', '/');
    parts      constant text[] := regexp_match(
        address,
        '^https?://(?:[^/?#]*@)?(\[[^]/?#]*\]|[^/?#:@]+)(?::([0-9]*))?(/[^?#]*)?(?:\?([^#]*))?(?:#(.*))?$', 'i');
    host       text;
    path       text;
    parameters text[] := '{}';
    key        text;
begin
    if parts is null then
        key := 'url:' || address;
    else
        host := regexp_replace(rtrim(lower(parts[1]), '.'), '^www\.', '');
        path := coalesce(parts[3], '');
        if parts[4] <> '' then
            parameters := array(
                select parameter from unnest(string_to_array(parts[4], '&')) as parameter
                where parameter <> ''
                  and lower(split_part(parameter, '=', 1)) !~ tracking
                  and (host !~ systems or lower(split_part(parameter, '=', 1)) !~ referring)
                group by parameter
                order by parameter collate "C");
        end if;

        key := case
            when host ~ '(^|\.)adzuna\.[a-z]{2,3}(\.[a-z]{2})?$' then
                'adzuna:' || substring(path from '/(?:land/ad|details)/([0-9]+)(?:/|$)')
            when host ~ '(^|\.)greenhouse\.io$' then
                -- An embedded form names the posting `token`. Where a path and `gh_jid` differ, nobody knows.
                case when path ~ '^/embed/job_app/*$' then
                         'greenhouse:' || (select substring(parameter from '^token=([0-9]+)$')
                                           from unnest(parameters) as parameter
                                           where parameter ~ '^token=[0-9]+$' limit 1)
                     when not exists (
                         select from unnest(parameters) as parameter
                         where parameter ~ '^gh_jid='
                           and parameter <> 'gh_jid=' || coalesce(substring(path from '/jobs/([0-9]+)(?:/|$)'), ''))
                     then 'greenhouse:' || substring(path from '^(?:/v1/boards)?/[^/]+/jobs/([0-9]+)(?:/|$)') end
            when host in ('jobs.lever.co', 'jobs.eu.lever.co') then
                'lever:' || substring(lower(path) from '^/[^/]+/(' || uuid || ')(?:/|$)')
            when host in ('api.lever.co', 'api.eu.lever.co') then
                'lever:' || substring(lower(path) from '^/v0/postings/[^/]+/(' || uuid || ')(?:/|$)')
            when host = 'jobs.ashbyhq.com' then
                'ashby:' || substring(lower(path) from '^/[^/]+/(' || uuid || ')(?:/|$)')
            when host = 'apply.workable.com' then
                'workable:' || upper(substring(path from '^(?:/[^/]+)?/j/([0-9A-Za-z]+)(?:/|$)'))
            when host in ('jobs.smartrecruiters.com', 'careers.smartrecruiters.com') then
                'smartrecruiters:' || coalesce(
                    substring(path from '/([0-9]{6,})(?:-[^/]*)?/*$'),
                    substring(lower(path) from '/publication/(' || uuid || ')(?:/|$)'))
            when host ~ '^[a-z0-9-]+\.recruitee\.com$' then
                'recruitee:' || host || ':' || substring(lower(path) from '^/o/([^/]+)(?:/|$)')
            when host ~ '^[a-z0-9-]+\.jobs\.personio\.(de|com)$' then
                'personio:' || split_part(host, '.', 1) || ':' || substring(path from '^/job/([0-9]+)(?:/|$)')
            when parameters <> '{}' then coalesce(
                -- An employer's own page around a form of one of these systems.
                (select 'greenhouse:' || substring(parameter from '=([0-9]+)$') from unnest(parameters) as parameter
                 where parameter ~ '^gh_jid=[0-9]+$' limit 1),
                (select 'ashby:' || lower(substring(parameter from '=(.*)$')) from unnest(parameters) as parameter
                 where parameter ~* ('^ashby_jid=' || uuid || '$') limit 1))
        end;
        key := coalesce(key, 'url:' || host
            || case when coalesce(parts[2], '') in ('', '80', '443') then '' else ':' || parts[2] end
            || rtrim(path, '/')
            || case when parameters = '{}' then '' else '?' || array_to_string(parameters, '&') end
            -- Single-page sites name the posting behind `#/`.
            || case when parts[5] ~ '^[^:]*/' then '#' || rtrim(parts[5], '/') else '' end);
    end if;
    -- An entry of an index has a length limit.
    return case when octet_length(key) <= 500 then key
                else 'sha256:' || encode(sha256(convert_to(key, 'UTF8')), 'hex') end;
end
$$;
revoke all on function private.posting_key(text) from public, anon, authenticated, service_role;
-- It fills a generated column, with the rights of whoever writes the row.
grant execute on function private.posting_key(text) to authenticated, service_role;
