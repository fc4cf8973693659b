-- pgvector, for embeddings of résumés and jobs. In `extensions`, which is not exposed, as the linter asks.
create extension if not exists vector with schema extensions;
