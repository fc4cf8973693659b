//! What PostgreSQL's catalogue says about our tables and functions.

use local_stack::database::Psql;
use serde::{Deserialize, de::DeserializeOwned};
use toolchain::{Failure, Outcome};

/// Everything that the page shows.
#[derive(Debug)]
pub struct Catalogue {
    /// Those of `public` first, each schema by name.
    pub tables: Vec<Table>,
    /// The `SECURITY DEFINER` functions, in the same order.
    pub definers: Vec<Definer>,
}

/// A table.
#[derive(Debug, Clone, Deserialize)]
pub struct Table {
    /// With its schema unless that is `public`.
    pub name: String,
    /// What its comment says.
    pub comment: Option<String>,
    /// The columns that say what a row is and what it belongs to.
    pub key_columns: Vec<Column>,
    /// Its foreign keys.
    pub references: Vec<Reference>,
    /// What people may do with rows that the policies show them; `*` marks a right to some columns only.
    pub people_may: Option<String>,
    /// What the service may do.
    pub service_may: Option<String>,
}

/// A column of a key, or one whose type is an enum.
#[derive(Debug, Clone, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type without a schema.
    pub data_type: String,
    /// Of the primary key.
    pub is_primary: bool,
    /// Of a foreign key.
    pub is_foreign: bool,
    /// Unique by itself.
    pub is_unique: bool,
}

/// A foreign key.
#[derive(Debug, Clone, Deserialize)]
pub struct Reference {
    /// The table that it points to, with its schema unless that is `public`.
    pub to: String,
    /// The columns of the table that it belongs to.
    pub columns: String,
    /// Whether every row has one.
    pub is_required: bool,
    /// Whether a row that is pointed to has at most one that points to it.
    pub is_unique: bool,
}

/// A function that runs with the rights of its owner.
#[derive(Debug, Clone, Deserialize)]
pub struct Definer {
    /// With its schema unless that is `public`.
    pub name: String,
    /// The names and types of the arguments.
    pub arguments: String,
    /// The roles that may execute it, the owner aside.
    pub callers: Vec<String>,
    /// The tables whose triggers call it.
    pub triggers_of: Vec<String>,
    /// What its comment says.
    pub comment: Option<String>,
}

impl Catalogue {
    /// Reads it.
    pub fn read(psql: &Psql) -> Outcome<Self> {
        Ok(Self { tables: rows(psql, TABLES)?, definers: rows(psql, DEFINERS)? })
    }
}

/// The rows of a query that makes one JSON array of them.
fn rows<Row: DeserializeOwned>(psql: &Psql, query: &str) -> Outcome<Vec<Row>> {
    let text = psql.run(query)?;
    serde_json::from_str(&text).map_err(|error| Failure::new(format!("the catalogue reads otherwise: {error}")))
}

/// `format('%I')` and `regclass` would show a schema only where the search path asks for it.
const TABLES: &str = "
with ours as (
    select c.oid, c.relacl, c.relowner, n.nspname, c.relname,
           case n.nspname when 'public' then '' else n.nspname || '.' end || c.relname as name
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('public', 'private') and c.relkind in ('r', 'p')
),
rights as (
    select ours.oid, r.rolname, acl.privilege_type, '' as mark
    from ours cross join lateral pg_catalog.aclexplode(ours.relacl) acl join pg_catalog.pg_roles r on r.oid = acl.grantee
    union
    select ours.oid, r.rolname, acl.privilege_type, '*'
    from ours join pg_catalog.pg_attribute a on a.attrelid = ours.oid and not a.attisdropped
    cross join lateral pg_catalog.aclexplode(a.attacl) acl join pg_catalog.pg_roles r on r.oid = acl.grantee
),
summary as (
    select oid, rolname, string_agg(lower(privilege_type) || mark, ', ' order by array_position(
               array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'], privilege_type)) as may
    from rights group by oid, rolname
),
columns as (
    select a.attrelid, a.attnum, a.attname,
           case when t.typcategory = 'A' then e.typname || '[]' else t.typname end as data_type,
           exists (select from pg_catalog.pg_constraint k where k.conrelid = a.attrelid and k.contype = 'p'
                     and a.attnum = any (k.conkey)) as is_primary,
           exists (select from pg_catalog.pg_constraint k where k.conrelid = a.attrelid and k.contype = 'f'
                     and a.attnum = any (k.conkey)) as is_foreign,
           exists (select from pg_catalog.pg_constraint k where k.conrelid = a.attrelid and k.contype = 'u'
                     and k.conkey = array[a.attnum]) as is_unique,
           t.typtype = 'e' as is_enum
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_type t on t.oid = a.atttypid
    left join pg_catalog.pg_type e on e.oid = t.typelem
    where a.attnum > 0 and not a.attisdropped
)
select coalesce(json_agg(json_build_object(
    'name', ours.name,
    'comment', pg_catalog.obj_description(ours.oid, 'pg_class'),
    'key_columns', (
        select coalesce(json_agg(json_build_object(
            'name', attname, 'data_type', data_type, 'is_primary', is_primary, 'is_foreign', is_foreign,
            'is_unique', is_unique) order by is_primary desc, is_foreign desc, is_unique desc, attname), '[]')
        from columns
        where attrelid = ours.oid and (is_primary or is_foreign or is_unique or is_enum)),
    'references', (
        select coalesce(json_agg(json_build_object(
            'to', case tn.nspname when 'public' then '' else tn.nspname || '.' end || t.relname,
            'columns', (select string_agg(a.attname, ', ' order by place)
                        from unnest(k.conkey) with ordinality as key (attnum, place)
                        join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = key.attnum),
            'is_required', not exists (select from pg_catalog.pg_attribute a where a.attrelid = k.conrelid
                                         and a.attnum = any (k.conkey) and not a.attnotnull),
            'is_unique', exists (select from pg_catalog.pg_constraint u where u.conrelid = k.conrelid
                                   and u.contype in ('p', 'u') and u.conkey <@ k.conkey)) order by k.conname), '[]')
        from pg_catalog.pg_constraint k
        join pg_catalog.pg_class t on t.oid = k.confrelid
        join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
        where k.conrelid = ours.oid and k.contype = 'f'),
    'people_may', (select may from summary where oid = ours.oid and rolname = 'authenticated'),
    'service_may', (select may from summary where oid = ours.oid and rolname = 'service_role')
) order by ours.nspname desc, ours.relname), '[]')
from ours";

const DEFINERS: &str = "
select coalesce(json_agg(json_build_object(
    'name', case n.nspname when 'public' then '' else n.nspname || '.' end || p.proname,
    'arguments', pg_catalog.pg_get_function_identity_arguments(p.oid),
    'callers', (
        select coalesce(json_agg(coalesce(r.rolname, 'public') order by r.rolname), '[]')
        from pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) acl
        left join pg_catalog.pg_roles r on r.oid = acl.grantee
        where acl.grantee <> p.proowner),
    'triggers_of', (
        select coalesce(json_agg(distinct case tn.nspname when 'public' then '' else tn.nspname || '.' end || c.relname),
                        '[]')
        from pg_catalog.pg_trigger t
        join pg_catalog.pg_class c on c.oid = t.tgrelid
        join pg_catalog.pg_namespace tn on tn.oid = c.relnamespace
        where t.tgfoid = p.oid),
    'comment', pg_catalog.obj_description(p.oid, 'pg_proc')
) order by n.nspname desc, p.proname), '[]')
from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where n.nspname in ('public', 'private') and p.prosecdef";
