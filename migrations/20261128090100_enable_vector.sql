-- pgvector, for embeddings of résumés and postings. In `extensions`, which is not exposed, as Supabase's linter asks.
create extension if not exists vector with schema extensions;
